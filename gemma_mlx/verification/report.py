"""A comparison as rows: the table that people read, the document that programs read, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from gemma_mlx.verification.limits import EXEMPT


@dataclass(frozen=True)
class Row:
    """One quantity of one case. `noise` is the reference's own error in it, where measured."""

    case: str
    precision: str
    quantity: str
    measured: float
    limit: float | None
    noise: float | None
    verdict: Literal["pass", "FAIL", "report"]
    note: str = ""


def judged(
    case: str,
    precision: str,
    quantity: str,
    measured: float,
    limit: float,
    noise: float | None = None,
    *,
    note: str = "",
) -> Row:
    """A row that passes where `measured` is at most `limit`; NaN fails."""
    verdict: Literal["pass", "FAIL"] = "pass" if measured <= limit else "FAIL"
    return Row(case, precision, quantity, float(measured), limit, noise, verdict, note)


def reported(
    case: str, precision: str, quantity: str, measured: float, noise: float | None = None, *, note: str = ""
) -> Row:
    """A row without a limit."""
    return Row(case, precision, quantity, float(measured), None, noise, "report", note)


def exempted(row: Row) -> Row:
    """The row; one that failed and is on the list of exemptions is only reported, with the reason."""
    most, reason = EXEMPT.get((row.case, row.precision, row.quantity), (0.0, ""))
    if row.verdict != "FAIL" or not row.measured <= most:
        return row
    return replace(row, verdict="report", note=f"{row.note}; exempt, {reason}" if row.note else reason)


def failures(rows: Sequence[Row]) -> list[Row]:
    """The rows whose limit is passed."""
    return [row for row in rows if row.verdict == "FAIL"]


def first_deviation(rows: Sequence[Row]) -> str:
    """In words, where the numbers leave the reference first; empty where they do not.

    Rows stand in the order of computation, so that the first failure points at the cause.
    """
    failed = failures(rows)
    if not failed:
        return ""
    exact = [row for row in failed if row.precision == "fp32"] or failed
    first = exact[0]
    words = f"{first.case} {first.precision}: {first.quantity} {first.measured:.2e}, limit {first.limit:.2e}"
    return f"{words} ({first.note})" if first.note else words


def markdown_table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| case | precision | quantity | limit | measured | reference's own | verdict | note |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.case, row.precision, row.quantity, *numbers(row), row.verdict, row.note]
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def numbers(row: Row) -> tuple[str, str, str]:
    """Limit, measured and the reference's own as people read them."""

    def shown(value: float | None) -> str:
        return "" if value is None else "0" if value == 0 else f"{value:.2e}"

    return shown(row.limit), shown(row.measured), shown(row.noise)


def summary(rows: Sequence[Row]) -> dict[str, int]:
    """How many rows pass, fail, and are only reported."""
    verdicts = [row.verdict for row in rows]
    return {
        "passed": verdicts.count("pass"),
        "failed": verdicts.count("FAIL"),
        "reported": verdicts.count("report"),
    }


def as_document(rows: Sequence[Row], **more: Any) -> dict[str, Any]:
    """The whole comparison for `--json`; what is not finite, which JSON does not know, is null."""
    return {
        **more,
        **summary(rows),
        "first_deviation": first_deviation(rows),
        "rows": [as_json(row) for row in rows],
    }


def as_json(row: Row) -> dict[str, Any]:
    """A row as a document holds it."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in asdict(row).items()
    }


def from_json(values: dict[str, Any]) -> Row:
    """The row that `as_json` wrote; a measure that was not finite comes back as infinity."""
    return Row(**{**values, "measured": math.inf if values["measured"] is None else values["measured"]})
