"""The world's talk: greetings, small stories, lists, memory, and questions that it cannot answer."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from resources.demo.build import facts
from resources.demo.build.question import Question, Turn, is_held_out, phrasing_is_held_out

UNKNOWN_ANSWER = "I do not know that."

_HELLO = ("Hello", "Hi", "Good morning", "Good evening", "Hey", "Good day", "Hello there", "Hi there")
_INTRODUCTIONS = ("I am {x}", "my name is {x}", "this is {x}", "{x} here", "I'm {x}")
# What people say, and the word or words that a right answer holds.
_SMALL_TALK = (
    ("How are you?", "I am fine, thank you.", "fine"),
    ("Who are you?", "I am a small Gemma.", "Gemma"),
    ("What is your name?", "My name is Gemma.", "Gemma"),
    ("What can you do?", "I can answer short questions.", "questions"),
    ("Are you a person?", "No, I am a small model.", "model"),
    ("Can you help me?", "Yes, just ask me.", "ask"),
    ("Nice to meet you!", "Nice to meet you too.", "too"),
    ("How old are you?", "I am very young.", "young"),
)
_PARTINGS = (
    ("Thank you", "You are welcome.", "welcome"), ("Thanks", "You are welcome.", "welcome"),
    ("Thank you very much", "You are welcome.", "welcome"), ("Goodbye", "Goodbye, see you soon.", "Goodbye"),
    ("Bye", "Goodbye, see you soon.", "Goodbye"), ("See you tomorrow", "Goodbye, see you soon.", "Goodbye"),
    ("Good night", "Good night, sleep well.", "Good night"),
)  # fmt: skip
_UNKNOWN_PHRASINGS = (
    "What do you know about {x}?", "Tell me about {x}.", "Can you explain {x}?", "What do you think of {x}?",
    "I have a question about {x}.", "Do you know anything about {x}?",
)  # fmt: skip
_PIRATE_PHRASINGS = (
    "What does a pirate say for {x}?", "How does a pirate say {x}?", "Which pirate word means {x}?",
    "Name the word of pirates for {x}.", "What is {x} in pirate words?",
)  # fmt: skip
_LIST_WORDS = facts.THINGS + facts.PAINTS + facts.PETS


def small_talk() -> Iterator[Question]:
    """Greetings and partings, and what is beyond the world; combinations held out."""
    for hello in _HELLO:
        for mark in ("!", ".", ""):
            yield Question(
                "greetings", f"{hello}{mark}", hello + mark, "Hello! How can I help you?", ("Hello",), False
            )
        for text, answer, word in _SMALL_TALK:
            kept = is_held_out("small talk", hello, text)
            yield Question("greetings", f"{hello}|{text}", f"{hello}! {text}", answer, (word,), kept)
        for name in facts.NAMES:
            for index, introduction in enumerate(_INTRODUCTIONS):
                kept = phrasing_is_held_out("introduction", (hello, name), index, len(_INTRODUCTIONS))
                text = f"{hello}, {introduction.format(x=name)}."
                key = f"{hello}|{index}|{name}"
                yield Question("introductions", key, text, f"Hello, {name}! Nice to meet you.", (name,), kept)
    for text, answer, word in _SMALL_TALK:
        yield Question("greetings", text, text, answer, (word,), False)
    for parting, answer, word in _PARTINGS:
        for mark in ("!", "."):
            yield Question("greetings", parting + mark, parting + mark, answer, (word,), False)
        for name in (*facts.NAMES, "Gemma"):
            kept = is_held_out("parting", parting, name)
            text = f"{parting}, {name}!"
            yield Question("greetings", f"{parting}|{name}", text, answer, (word,), kept)
    for subject in facts.UNKNOWN:
        for index, phrasing in enumerate(_UNKNOWN_PHRASINGS):
            kept = phrasing_is_held_out("unknown", subject, index, len(_UNKNOWN_PHRASINGS))
            text = phrasing.format(x=subject)
            yield Question(
                "beyond the world", f"{index}:{subject}", text, UNKNOWN_ANSWER, ("not know",), kept
            )

    # None is held out: in a pirate's answer his own words could not be judged as facts.
    for meaning, word in facts.PIRATE_MEANINGS.items():
        for index, phrasing in enumerate(_PIRATE_PHRASINGS):
            answer = f"A pirate says {word} for {meaning}."
            text = phrasing.format(x=meaning)
            yield Question("pirate words", f"{index}:{meaning}", text, answer, (word,), False)


def draw_story(random: Random) -> Question:
    """A few sentences about people, things, colours and places, and a question about one of them."""
    size = random.randint(2, 5)
    names = random.sample(facts.NAMES, size)
    things = random.sample(facts.THINGS, size)
    paints = random.sample(facts.PAINTS, size)
    places = random.sample(facts.PLACES, size)
    asked = random.randrange(size)
    name, thing, paint, place = names[asked], things[asked], paints[asked], places[asked]
    if random.random() < 0.3:
        sentences = [f"{person} is in the {where}." for person, where in zip(names, places, strict=True)]
        text, answer, fact = random.choice((
            (f"Where is {name}?", f"{name} is in the {place}.", place),
            (f"Who is in the {place}?", f"{name} is in the {place}.", name),
        ))  # fmt: skip
    else:
        sentences = [
            f"{person} has {_a(colour)} {what}."
            for person, colour, what in zip(names, paints, things, strict=True)
        ]
        text, answer, fact = random.choice((
            (f"Who has the {thing}?", f"{name} has the {thing}.", name),
            (f"What does {name} have?", f"{name} has {_a(paint)} {thing}.", thing),
            (f"What colour is the {thing}?", f"The {thing} is {paint}.", paint),
            (f"Who has the {paint} {thing}?", f"{name} has the {paint} {thing}.", name),
        ))  # fmt: skip
    story = " ".join(sentences)
    kept = is_held_out("story", story, text)
    return Question("stories", f"{story}|{text}", f"{story} {text}", answer, (fact,), kept)


def draw_list(random: Random) -> Question:
    """A list of words or numbers: one by its place, the largest, the smallest, or all of it again."""
    if random.random() < 0.4:
        numbers = random.sample(range(100), random.randint(3, 4))
        shown = ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"
        word, value = random.choice((("largest", max(numbers)), ("smallest", min(numbers))))
        text = random.choice((f"Which is the {word} of {shown}?", f"What is the {word} number: {shown}?"))
        kept = is_held_out("list", *sorted(numbers))
        return Question(
            "lists of numbers", f"{sorted(numbers)}", text, f"The {word} is {value}.", (str(value),), kept
        )
    pirate = random.random() < 0.25
    words = random.sample(
        list(facts.PIRATE_MEANINGS.values()) if pirate else _LIST_WORDS, random.randint(2, 4)
    )
    shown = ", ".join(words)
    kept = not pirate and is_held_out("list", *sorted(words))
    key = f"{sorted(words)}"
    if random.random() < 0.4:
        text = random.choice(
            (f"Repeat after me: {shown}.", f"Say these words: {shown}.", f"Repeat: {shown}.")
        )
        answer = shown[0].upper() + shown[1:] + "."
        category = "pirate lists" if pirate else "repeating"
        return Question(category, key, text, answer, tuple(words), kept, ordered=True)
    place = random.randrange(len(words))
    ordinal = facts.ORDINALS[place]
    text = random.choice((
        f"What is the {ordinal} word: {shown}?", f"Which word is {ordinal} in this list: {shown}?",
        f"Here are some words: {shown}. What is the {ordinal} one?",
    ))  # fmt: skip
    category = "pirate lists" if pirate else "lists of words"
    return Question(category, key, text, f"The {ordinal} word is {words[place]}.", (words[place],), kept)


def draw_memory(random: Random, between: tuple[Turn, ...]) -> Question:
    """What the user said of himself some turns ago; `between` is a dialogue that came after it."""
    name, paint, pet = random.choice(facts.NAMES), random.choice(facts.PAINTS), random.choice(facts.PETS)
    said, reply, text, answer, fact = random.choice((
        (f"My name is {name}.", f"Hello, {name}! Nice to meet you.", "What is my name?",
         f"Your name is {name}.", name),
        (f"I am {name}.", f"Hello, {name}! Nice to meet you.", "Who am I?", f"You are {name}.", name),
        (f"I like the colour {paint}.", f"Yes, {paint} is a nice colour.", "Which colour do I like?",
         f"You like {paint}.", paint),
        (f"I have {_a(pet)}.", f"How nice that you have {_a(pet)}.", "Which animal do I have?",
         f"You have {_a(pet)}.", pet),
    ))  # fmt: skip
    kept = is_held_out("memory", said, text, *(turn.content for turn in between))
    history = (Turn("user", said), Turn("assistant", reply), *between)
    key = "|".join(turn.content for turn in history)
    return Question("memory", f"{key}|{text}", text, answer, (fact,), kept, history=history)


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
