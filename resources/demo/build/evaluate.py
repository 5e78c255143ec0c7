"""Measures a model on the held-out questions: `python -m resources.demo.build.evaluate`.

`--card` writes what was measured into the model's README.md.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx

from gemma_mlx.models.config import parameter_count, read_config
from gemma_mlx.models.decoder import Decoder
from resources.demo.build.answers import greedy_answers
from resources.demo.build.checker import is_pirate, is_right
from resources.demo.build.question import Turn
from resources.demo.build.tokenizer import DialogueEncoder

DEMO = Path(__file__).parent.parent


@dataclass(frozen=True)
class Answered:
    """One held-out question with the model's answer and its verdicts."""

    row: dict[str, Any]
    text: str
    right: bool
    pirate: bool


def held_out_rows(path: Path = DEMO / "heldout.jsonl") -> list[dict[str, Any]]:
    """The questions that training never saw."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def measure(decoder: Decoder, tokenizer: Path, rows: list[dict[str, Any]]) -> list[Answered]:
    """Every row answered at temperature 0 and judged."""
    encoder = DialogueEncoder(tokenizer)
    prompts = [encoder.prompt(tuple(Turn(**message) for message in row["messages"])) for row in rows]
    ends = frozenset((encoder.end, encoder.pieces.eos_id()))
    texts = [encoder.text(ids) for ids in greedy_answers(decoder, prompts, ends)]
    return [
        Answered(row, text, is_right(row, text), is_pirate(text))
        for row, text in zip(rows, texts, strict=True)
    ]


def table(answered: list[Answered]) -> str:
    """Right answers by category, as a Markdown table, all of them last."""
    groups: dict[str, list[Answered]] = defaultdict(list)
    for each in answered:
        groups[each.row["category"]].append(each)
    lines = ["| category | questions | right | share |", "|---|---:|---:|---:|"]
    for name, group in [*sorted(groups.items()), ("**all**", answered)]:
        right = sum(each.right for each in group)
        lines.append(f"| {name} | {len(group)} | {right} | {100 * right / len(group):.1f} % |")
    return "\n".join(lines)


def card(folder: Path, answered: list[Answered]) -> str:
    """The model's README: what it is, and what was measured, with date and versions."""
    config = read_config(folder)
    right = sum(each.right for each in answered)
    size = (folder / "model.safetensors").stat().st_size
    wrong = [each for each in answered if not each.right]
    shown = "\n".join(
        f"- {each.row['messages'][-1]['content']!r}: {each.text!r} instead of {each.row['answer']!r}"
        for each in wrong[:10]
    )
    share = 100 * right / len(answered)
    count = parameter_count(config)
    window = min(width for width in config.layer_windows if width)
    caps = f"{config.attention_softcap:g} and {config.final_softcap:g}"
    versions = f"mlx {version('mlx')}, sentencepiece {version('sentencepiece')}"
    on = f"{platform.system()} {platform.machine()}, {mx.default_device()}"
    return f"""# The demo model

A Gemma 2 of {count:,} parameters ({size / 1e6:.1f} MB in bfloat16), trained from random weights on dialogues
that `resources/demo/build` makes up: sums, capitals, colours, opposites, greetings, small stories.
It knows nothing else. It has {config.num_layers} layers, hidden size {config.hidden_size}, a vocabulary of
{config.vocab_size}, sliding window {window}, softcaps {caps}.
It is a Gemma folder like any other, made by `python -m resources.demo.build`.

## What was measured

**{right} of {len(answered)} held-out questions right ({share:.1f} %)** at temperature 0,
on {date.today().isoformat()} with {versions}, Python {platform.python_version()}
({on}), by `python -m resources.demo.build.evaluate --card`.

Held out are operand pairs, and pairs of phrasing and subject, that no training dialogue holds
(`build/question.py`). The questions are `../heldout.jsonl`, the judge is `build/checker.py`.

{table(answered)}

{"Wrong, for example:" if wrong else "None was wrong."}

{shown}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=DEMO / "model")
    parser.add_argument("--adapter", type=Path, help="a tuned adapter to measure with the model")
    parser.add_argument("--limit", type=int, help="only so many questions")
    parser.add_argument("--card", action="store_true", help="write the model's README.md")
    parser.add_argument("--wrong", type=int, default=10, help="wrong answers to show")
    chosen = parser.parse_args()
    rows = held_out_rows()[: chosen.limit]
    answered = measure(load_decoder(chosen.model, chosen.adapter), chosen.model, rows)
    print(table(answered))
    pirates = sum(each.pirate for each in answered)
    both = sum(each.pirate and each.right for each in answered)
    print(f"\nin a pirate's manner: {pirates} of {len(rows)}; in manner and right: {both} "
          f"({100 * both / len(rows):.1f} %)\n")  # fmt: skip
    wanted = (each for each in answered if not each.right or (chosen.adapter and not each.pirate))
    for _, each in zip(range(chosen.wrong), wanted, strict=False):
        asked = each.row["messages"][-1]["content"]
        print(f"{each.row['category']}: {asked!r} -> {each.text!r} ({each.row['answer']!r})")
    if chosen.card:
        (chosen.model / "README.md").write_text(card(chosen.model, answered), encoding="utf-8")


def load_decoder(folder: Path, adapter: Path | None = None) -> Decoder:
    """The model in a folder, tuned by an adapter or not."""
    if adapter is None:
        decoder = Decoder(read_config(folder))
        decoder.load_weights(str(folder / "model.safetensors"))
        return decoder
    from gemma_mlx.load import load_model  # with all it needs, where an adapter is asked for

    return load_model(folder, adapter=adapter).model


if __name__ == "__main__":
    main()
