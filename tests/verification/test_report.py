"""A comparison's verdict: NaN fails, the first failure in fp32 is the one that is named."""

from __future__ import annotations

import json
import math

from gemma_mlx.verification.report import (
    as_document,
    exempted,
    failures,
    first_deviation,
    judged,
    markdown_table,
    reported,
    summary,
)

ROWS = [
    judged("a", "bf16", "logits", 2.0, 1.0),
    judged("a", "fp32", "logits", 1.0, 1.0),
    judged("b", "fp32", "hidden states", math.nan, 1.0, note="first at layer 3 attention: nan"),
    judged("b", "fp32", "logits", 5.0, 1.0),
    reported("b", "fp32", "KL", 7.0),
]


def test_the_first_failure_in_fp32_is_named() -> None:
    assert [row.quantity for row in failures(ROWS)] == ["logits", "hidden states", "logits"]
    assert first_deviation(ROWS).startswith("b fp32: hidden states")
    assert "layer 3 attention" in first_deviation(ROWS)
    assert first_deviation(ROWS[1:2]) == ""
    assert summary(ROWS) == {"passed": 1, "failed": 3, "reported": 1}


def test_exemptions_are_listed_rows_up_to_a_measure_and_give_their_reason() -> None:
    known = ("gemma-2-9b", "bf16", "top-1")
    found = exempted(judged(*known, 1.0, 0.0, note="of 2999"))
    assert found.verdict == "report" and "exempt, one such token" in found.note
    for row in (
        judged(*known, 2.0, 0.0),
        judged(*known, math.nan, 0.0),
        judged("gemma-2-27b", "bf16", "top-1", 1.0, 0.0),
        judged(*known, 0.0, 0.0),
    ):
        assert exempted(row) == row


def test_the_table_holds_every_row() -> None:
    lines = markdown_table(ROWS).splitlines()
    assert len(lines) == 2 + len(ROWS) and all(line.count("|") == 9 for line in lines)


def test_the_document_is_plain_json() -> None:
    document = as_document(ROWS[:2], model="m")
    assert json.loads(json.dumps(document))["rows"][0]["verdict"] == "FAIL"
