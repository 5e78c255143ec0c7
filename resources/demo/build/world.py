"""The demo model's small world: every dialogue that it is trained on, and every one that is kept from it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import lru_cache
from random import Random

from resources.demo.build.numbers import LARGEST_OPERAND, number_questions
from resources.demo.build.question import Question, Turn, is_held_out, phrasing_is_held_out
from resources.demo.build.relations import RELATIONS, Relation, fill
from resources.demo.build.talk import draw_list, draw_memory, draw_story, small_talk

Pools = dict[str, list[Question]]

# How often a kind of dialogue is drawn in training, against 1 for each enumerated category.
_DRAWN = {"stories": 5.0, "lists": 3.0, "memory": 2.0, "chains": 2.0, "follow-ups": 4.0}
_WEIGHTS = {"addition": 4.0, "subtraction": 3.0, "multiplication": 2.0, "comparisons": 2.0,
            "number words": 1.5, "capitals": 2.0, "countries": 1.5}  # fmt: skip
_SEVERAL_TURNS = 0.25
_LONG_PROMPTS = 0.15
_VARIED = 0.2

_RULES = (
    "You are a small helper.", "You know numbers, words and capitals.", "Answer in one short sentence.",
    "Be kind to everyone who asks.", "Do not guess when you do not know.", "Read the question with care.",
    "Keep every answer short and true.", "The person who asks may be a child.", "Use simple words.",
    "Never answer more than you are asked.", "You live in a small world.", "Think before you answer.",
)  # fmt: skip
_ADD_TO_THAT = ("Add {c} to that.", "And {c} more?", "Now add {c}.", "Plus {c}?")


@lru_cache(maxsize=1)
def enumerated() -> tuple[Pools, Pools]:
    """Every single question by category: (for training, held out)."""
    training: Pools = defaultdict(list)
    held_out: Pools = defaultdict(list)
    for relation in RELATIONS:
        for question in relation_questions(relation):
            (held_out if question.held_out else training)[question.category].append(question)
    for source in (number_questions(), small_talk()):
        for question in source:
            (held_out if question.held_out else training)[question.category].append(question)
    return dict(training), dict(held_out)


def relation_questions(relation: Relation) -> list[Question]:
    """A relation's table in all its phrasings."""
    count = len(relation.phrasings)
    return [
        Question(
            relation.category, f"{index}:{subject}", fill(phrasing, subject, value),
            fill(relation.answer, subject, value), (value,),
            phrasing_is_held_out(relation.category, subject, index, count), relation.ordered,
        )
        for subject, value in relation.table.items()
        for index, phrasing in enumerate(relation.phrasings)
    ]  # fmt: skip


def draw(random: Random, kind: str, held_out: bool) -> Question:
    """A question of this kind, from training or held out: a category, or one of the drawn kinds."""
    while True:
        question = _draw_any(random, kind, held_out)
        if question.held_out == held_out:
            return question


def kinds() -> list[str]:
    """The categories and the drawn kinds."""
    return [*enumerated()[0], *_DRAWN]


def draw_dialogue(random: Random) -> Question:
    """One dialogue to train on: a question with its history, its wording varied at times."""
    names = kinds()
    weights = [_DRAWN.get(name, _WEIGHTS.get(name, 1.0)) for name in names]
    question = draw(random, random.choices(names, weights)[0], held_out=False)
    if random.random() < _VARIED:
        question = replace(question, text=_varied(random, question.text))
    if random.random() < _SEVERAL_TURNS:
        question = with_turns_before(random, question)
    if random.random() < _LONG_PROMPTS:
        question = with_rules(random, question)
    return question


def with_turns_before(random: Random, question: Question) -> Question:
    """The question after one or two others from training."""
    return replace(question, history=(*small_dialogue(random), *question.history))


def with_rules(random: Random, question: Question) -> Question:
    """The question with sentences of instruction in front of its first turn, longer than the window."""
    rules = " ".join(random.sample(_RULES, random.randint(3, 6))) + "\n\n"
    if not question.history:
        return replace(question, text=rules + question.text)
    first = Turn("user", rules + question.history[0].content)
    return replace(question, history=(first, *question.history[1:]))


def small_dialogue(random: Random) -> tuple[Turn, ...]:
    """One or two questions from training with their answers."""
    pools = enumerated()[0]
    names = list(pools)
    turns: tuple[Turn, ...] = ()
    for _ in range(random.randint(1, 2)):
        turns += random.choice(pools[random.choice(names)]).turns()
    return turns


def _draw_any(random: Random, kind: str, held_out: bool) -> Question:
    if kind == "stories":
        return draw_story(random)
    if kind == "lists":
        return draw_list(random)
    if kind == "memory":
        return draw_memory(random, small_dialogue(random))
    if kind == "chains":
        return _draw_chain(random)
    if kind == "follow-ups":
        return _draw_follow_up(random)
    return random.choice(enumerated()[held_out][kind])


def _draw_chain(random: Random) -> Question:
    """A sum whose result the next turn adds to."""
    start = random.choice(enumerated()[0]["addition"])
    total = int(start.expect[0])
    added = random.randint(0, min(LARGEST_OPERAND, 100 - total))
    kept = is_held_out("chain", start.key, added)
    # Within the operands of sums, a pair that is held out there stays unseen here too.
    small, large = sorted((total, added))
    if large <= LARGEST_OPERAND and is_held_out("plus", small, large):
        kept = True
    return Question(
        "chains", f"{start.key}+{added}", random.choice(_ADD_TO_THAT).format(c=added),
        f"{total} plus {added} is {total + added}.", (str(total + added),), kept, ordered=True,
        history=start.turns(),
    )  # fmt: skip


def _draw_follow_up(random: Random) -> Question:
    """ "And of Italy?" after a question about another country."""
    relation = random.choice(_asking_on())
    before, subject = random.sample(list(relation.table), 2)
    index = random.randrange(len(relation.follow_ups))
    first = random.choice(_by_subject()[relation.category, before])
    value = relation.table[subject]
    return Question(
        "follow-ups", f"{relation.category}|{before}|{index}:{subject}",
        fill(relation.follow_ups[index], subject, value), fill(relation.answer, subject, value), (value,),
        is_held_out("follow-up", relation.category, before, subject, index), relation.ordered,
        history=first.turns(), facts=relation.category,
    )  # fmt: skip


@lru_cache(maxsize=1)
def _asking_on() -> list[Relation]:
    return [relation for relation in RELATIONS if relation.follow_ups]


@lru_cache(maxsize=1)
def _by_subject() -> dict[tuple[str, object], list[Question]]:
    """The training questions of each relation's subject."""
    questions: dict[tuple[str, object], list[Question]] = defaultdict(list)
    for relation in _asking_on():
        asked = relation_questions(relation)
        count = len(relation.phrasings)
        for position, subject in enumerate(relation.table):
            of_subject = asked[position * count : (position + 1) * count]
            questions[relation.category, subject] = [each for each in of_subject if not each.held_out]
    return questions


def _varied(random: Random, text: str) -> str:
    """The same words, typed less carefully or more politely."""
    return random.choice((
        lambda: text[0].lower() + text[1:], lambda: text.lower(), lambda: text.rstrip("?."),
        lambda: text.lower().rstrip("?."), lambda: f"Please: {text}", lambda: f"{text} Please.",
        lambda: f"Question: {text}", lambda: f"Tell me: {text}",
    ))()  # fmt: skip
