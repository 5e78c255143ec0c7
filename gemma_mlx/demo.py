"""The main job on the embedded model: held-out questions, fine-tuning, and a judge of the answers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gemma_mlx.adapters.lora import enable_lora
from gemma_mlx.declaring import read_settings
from gemma_mlx.errors import Cancelled
from gemma_mlx.events import Done, Event, Progress
from gemma_mlx.inference.batch import generate_batch
from gemma_mlx.library.resources import resource
from gemma_mlx.settings import RunSettings, SamplingSettings
from gemma_mlx.text.chat_template import Message

if TYPE_CHECKING:
    from gemma_mlx.load import Loaded

GREEDY = SamplingSettings(temperature=0.0, max_tokens=48)

_MARKS = re.compile(
    r"\b(arr+|ahoy|avast|aye|yo ho ho|shiver me timbers|matey|me hearty|me hearties|ye|yer|o'|be|landlubber|"
    r"scallywag|bucko|savvy)(?!\w)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Question:
    """A held-out question: the conversation up to it, the plain answer and the facts that count.

    `ordered`: whether the facts have to come in this order. `kind`: questions of one kind share their facts.
    """

    messages: tuple[Message, ...]
    answer: str
    expect: tuple[str, ...]
    ordered: bool
    kind: str

    @property
    def text(self) -> str:
        """The question itself."""
        return self.messages[-1].content


def held_out_questions() -> list[Question]:
    """The questions that neither the demo model's training nor its fine-tuning saw.

    Raises:
        GemmaError: the resources are not there ("no-resources").
    """
    lines = resource("demo", "heldout.jsonl").read_text(encoding="utf-8").splitlines()
    return [_question(json.loads(line)) for line in lines]


def _question(row: dict[str, Any]) -> Question:
    messages = tuple(Message(**message) for message in row["messages"])
    return Question(messages, row["answer"], tuple(row["expect"]), row["ordered"], row["facts"])


def spread(questions: Sequence[Question], count: int) -> list[Question]:
    """`count` questions with as many kinds among them as there are, always the same ones."""
    by_kind: dict[str, list[Question]] = {}
    for question in questions:
        by_kind.setdefault(question.kind, []).append(question)
    chosen: list[Question] = []
    while len(chosen) < min(count, len(questions)):
        for kind in by_kind.values():
            if kind and len(chosen) < count:
                chosen.append(kind.pop(0))
    return chosen


class Judge:
    """Whether an answer is right, strict about facts and free in manner.

    Right is an answer whose facts are among those of the plain answer and hold all that is expected; where
    order matters, they have to be exactly these. Facts are numbers and the words that facts.json has for
    this kind of question (from resources/demo/build/checker.py, which judges alike).
    """

    def __init__(self) -> None:
        self._facts: dict[str, list[str]] = json.loads(
            resource("demo", "facts.json").read_text(encoding="utf-8")
        )

    def is_right(self, question: Question, answer: str) -> bool:
        """Whether `answer` states the expected facts and no other ones of their kind."""
        watched = _pattern({*self._facts.get(question.kind, ()), *question.expect})
        found, plain = _facts_in(watched, answer), _facts_in(watched, question.answer)
        expected = _facts_in(watched, " ; ".join(question.expect))
        if question.ordered:
            return found in (plain, expected)
        return set(expected) <= set(found) <= set(plain)


def _facts_in(watched: re.Pattern[str], text: str) -> list[str]:
    # A pirate's "piece o' furniture" is the same fact.
    found = watched.findall(text.replace(" o' ", " of "))
    return [fact if len(fact) == 1 else fact.lower() for fact in found]


def _pattern(facts: set[str]) -> re.Pattern[str]:
    """All facts of a kind, longest first. A letter is a fact only as a capital: "a" is an article."""
    longest_first = sorted(facts, key=lambda fact: (-len(fact), fact))
    words = [re.escape(fact) if len(fact) == 1 else f"(?i:{re.escape(fact)})" for fact in longest_first]
    return re.compile(r"(?<!\w)(?:" + "|".join([*words, r"\d+"]) + r")(?!\w)")


def in_manner(answer: str) -> bool:
    """Whether a pirate might have said it: at least two different marks of the manner."""
    return len({mark.lower() for mark in _MARKS.findall(answer)}) >= 2


def recipe() -> RunSettings:
    """How the demo is tuned: resources/demo/recipe.yaml, with the embedded model and dataset."""
    settings = read_settings(RunSettings, resource("demo", "recipe.yaml"))
    data = settings.data.model_copy(update={"dataset": str(resource("demo", "pirate"))})
    return settings.model_copy(update={"model": str(resource("demo", "model")), "data": data})


def answers(
    loaded: Loaded, questions: Sequence[Question], *, tuned: bool, cancel: Callable[[], bool]
) -> Generator[Event, None, list[str]]:
    """Yields Progress; returns one greedy answer a question, with the adapter on (`tuned`) or off.

    Raises:
        Cancelled: `cancel` returned True.
    """
    enable_lora(loaded.model, tuned)
    texts: list[str] = []
    for event in generate_batch(loaded, [list(question.messages) for question in questions], GREEDY, cancel):
        if isinstance(event, Done):
            if event.outcome != "finished":
                raise Cancelled(kept="The run and its adapter, if it was made.")
            texts = [answer["text"].strip() for answer in event.result["answers"]]
        elif isinstance(event, Progress):
            stage = "The tuned model answers" if tuned else "The model answers"
            yield Progress(stage, event.done, event.total, "questions")
        else:
            yield event
    return texts
