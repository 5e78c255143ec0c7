"""Tests of `evaluate`: the loss is that of the plain formula, for the base and with an adapter."""

from __future__ import annotations

import math
from pathlib import Path

import mlx.core as mx
import pytest

from gemma_mlx.load import load_model
from gemma_mlx.text.chat_template import Message, render_chat
from tests.command_line import gemma, write_rows


def plain_loss(model: Path, rows: int) -> tuple[float, int]:
    """One row after the other, through the logits."""
    loaded = load_model(model)
    total, count = 0.0, 0
    for i in range(rows):
        messages = [Message("user", f"Question {i}?"), Message("assistant", f"Answer {i}.")]
        rendered = render_chat(loaded.tokenizer, messages, add_generation_prompt=False)
        logits = loaded.model(mx.array([rendered.ids]))[0]
        losses = mx.logsumexp(logits, axis=-1)
        for place in range(1, len(rendered.ids)):
            if rendered.loss_mask[place]:
                total += float(losses[place - 1] - logits[place - 1, rendered.ids[place]])
                count += 1
    return total / count, count


def test_the_loss_is_the_plain_one(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", 8)
    document = gemma("evaluate", tiny_model, data, "--json").document
    loss, count = plain_loss(tiny_model, 8)
    assert document["tokens"] == count and document["rows"] == 8
    assert document["loss"] == pytest.approx(loss, rel=5e-6)
    assert document["perplexity"] == pytest.approx(math.exp(document["loss"]))


def test_tuning_lowers_it_and_the_base_stays(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl")
    base = gemma("evaluate", tiny_model, data, "--json").document["loss"]
    run = gemma("train", tiny_model, "--dataset", data, "--steps", "10", "--learning-rate", "0.01", "--json")
    options = ("--adapter", run.document["run"], "--with-base")
    document = gemma("evaluate", tiny_model, data, *options, "--json").document
    assert document["base_loss"] == pytest.approx(base, rel=1e-6)
    assert document["loss"] < base
    said = gemma("evaluate", tiny_model, data, *options).stdout
    assert f"{document['loss']:.4f}" in said and f"{base:.4f}" in said


def test_a_folders_own_validation_rows_are_taken(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    write_rows(tmp_path / "data" / "train.jsonl", 9)
    write_rows(tmp_path / "data" / "valid.jsonl", 4)
    for split, rows in (("auto", 4), ("valid", 4), ("train", 9), ("all", 13)):
        document = gemma("evaluate", tiny_model, tmp_path / "data", "--split", split, "--json").document
        assert document["rows"] == rows


def test_pairs_have_no_perplexity(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"prompt": "a", "chosen": "b", "rejected": "c"}\n' * 2)
    assert gemma("evaluate", tiny_model, path, "--json").error["code"] == "not-for-evaluation"


def test_the_dataset_may_be_named_as_in_train(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", 4)
    assert gemma("evaluate", tiny_model, "--dataset", data, "--json").document["rows"] == 4


def test_no_rows_are_no_perfect_model(tiny_model: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", 4)
    assert gemma("evaluate", tiny_model, data, "--split", "valid", "--json").error["code"] == "no-rows"
