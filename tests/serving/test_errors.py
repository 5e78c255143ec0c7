"""Errors tell a client what it can mend and nothing of this machine."""

from __future__ import annotations

import pytest

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.serving.engine import Busy, Stopped
from gemma_mlx.serving.errors import ApiError, from_gemma


@pytest.mark.parametrize(
    ("problem", "status", "kind"),
    [
        (GemmaError("order", "Two.", where="/Users/me/x", fix="Turns."), 400, "invalid_request_error"),
        (ModelError("not-finite", "NaN.", where="/Users/me/model"), 500, "server_error"),
        (Busy(), 429, "rate_limit_error"),
        (Stopped(), 503, "server_error"),
    ],
)  # fmt: skip
def test_the_engines_errors_have_a_status_and_no_path(problem: GemmaError, status: int, kind: str) -> None:
    error = from_gemma(problem)
    told = error.document["error"]
    assert (error.status, told["type"], told["code"]) == (status, kind, problem.code)
    assert problem.what in told["message"] and "/Users" not in str(error.document)


def test_a_document_names_the_field() -> None:
    assert ApiError(400, "No.", code="c", parameter="n").document == {
        "error": {"message": "No.", "type": "invalid_request_error", "param": "n", "code": "c"}
    }
