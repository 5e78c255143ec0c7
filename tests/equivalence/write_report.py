"""Writes REPORT.md and REPORT.json: this machine's replay, the CUDA runs, the planted errors, and mlx-lm.

make report        (or: python -m tests.equivalence.write_report)
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.verification import cases, compare, limits
from gemma_mlx.verification.report import (
    Row,
    as_json,
    exempted,
    first_deviation,
    markdown_table,
    numbers,
    summary,
)
from tests.equivalence.peer import peer_rows
from tests.verification import test_planted_errors as planted
from tests.verification.replays import RECORDINGS, whole

HERE = Path(__file__).resolve().parent
CUDA_RESULTS = RECORDINGS / "mlx-cuda-results.json"
"""What device_job.py wrote on an NVIDIA H200: MLX's CUDA backend against PyTorch CUDA on the same GPU."""
TOKENIZER_TEST = "tests/text/test_tokenizer.py::test_a_hundred_thousand_strings_without_a_difference"
KEY_QUANTITIES = ("hidden states", "logits", "KL, worst token", "top-1", "training loss", "gradients")


def replayed() -> list[Row]:
    return list(compare.compare_tiny(whole(), progress=lambda name: print(name, flush=True)))


def found_errors() -> list[dict[str, str]]:
    """Each planted error with what the comparison said."""
    found = []
    for error in planted.ERRORS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cases, "TRAIN_STEPS", 1)
            error.plant(patch)
            words = first_deviation(planted.rows_of(error))
        named = words.startswith(error.case) and error.named in words
        found.append({"error": error.name, "named": "yes" if named else "NO", "said": words})
    return found


def by_case(rows: list[Row]) -> str:
    """One line a case: rows within limits, and the row nearest to its limit."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.case.split(",")[0], row.precision].append(row)
    lines = ["| case | precision | within limits | nearest to its limit |", "|---|---|---|---|"]
    for (case, precision), group in groups.items():
        counts = summary(group)
        judged = [row for row in group if row.limit]
        nearest = max(judged, key=lambda row: row.measured / (row.limit or 1))
        near = f"{nearest.quantity}: {nearest.measured / (nearest.limit or 1):.0%} of it"
        total = counts["passed"] + counts["failed"]
        lines.append(f"| {case} | {precision} | {counts['passed']} of {total} | {near} |")
    return "\n".join(lines) + "\n"


def cuda_part(results: dict[str, Any]) -> str:
    lines = ["| model | within limits | " + " | ".join(KEY_QUANTITIES) + " |", "|---" * 8 + "|"]
    beyond: list[Row] = []
    passed = total = 0
    for name, known in results.items():
        rows = [exempted(Row(**row)) for row in known["rows"] if "about" not in row]
        counts = summary(rows)
        beyond += [row for row in rows if row.limit is not None and row.verdict != "pass"]
        here = sum(row.limit is not None for row in rows)
        passed, total = passed + counts["passed"], total + here
        cells = []
        for quantity in KEY_QUANTITIES:
            found = [row for row in rows if row.quantity == quantity and row.precision == "bf16"]
            cells.append(numbers(found[0])[1] if found and name != "tiny" else "")
        lines.append(f"| {name} | {counts['passed']} of {here} | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n\nThe figures are the bf16 rows'; every row is in REPORT.json.\n"
    exempt = sum(row.verdict == "report" for row in beyond)
    text += f"{passed} of {total} rows are within their limits, {exempt} exempted with a reason, "
    text += f"{len(beyond) - exempt} beyond.\n\n"
    return text + (markdown_table(beyond) if beyond else "")


def rounded_part(rows: list[Row], peers: list[Row]) -> str:
    lines = ["| generation | ours / PyTorch's own bf16 | mlx-lm / PyTorch's own |", "|---|---|---|"]
    for name in cases.GENERATIONS:
        cells = []
        for side in (rows, peers):
            found = [r for r in side if (r.case, r.precision, r.quantity) == (name, "bf16", "logits")]
            cells.append(f"{found[0].measured / found[0].noise:.3f}" if found and found[0].noise else "")
        lines.append(f"| {name} | {cells[0]} | {cells[1]} |")
    return "\n".join(lines) + "\n"


def wider_part() -> str:
    lines = ["| quantity | table | ours | why |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in limits.WIDER)]) + "\n"


def tokenizers() -> str:
    """What the test of the tokenizers says now, on this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", TOKENIZER_TEST], capture_output=True, text=True, check=False
    )
    said = done.stdout.strip().splitlines()[-1]
    if "1 passed" in said:
        return "It passed in this run."
    return "It was not run: it needs the real tokenizer (GEMMA_MLX_TEST_DATA)." if "skipped" in said else said


def main() -> int:
    rows, peers, errors = replayed(), list(peer_rows(whole())), found_errors()
    results = json.loads(CUDA_RESULTS.read_text(encoding="utf-8")) if CUDA_RESULTS.exists() else {}
    about = next((row["about"] for known in results.values() for row in known["rows"] if "about" in row), "")
    made = datetime.now(UTC).isoformat(timespec="seconds")
    versions = {name: version(name) for name in ("gemma-mlx", "mlx", "mlx-lm", "numpy") if _installed(name)}
    device = f"{mx.default_device().type.name} ({mx.device_info().get('device_name', platform.machine())})"
    named = ", ".join(f"{name} {number}" for name, number in versions.items())
    counts, peer_counts = summary(rows), summary(peers)
    beyond = f"{peer_counts['failed']} beyond"
    broken = sum(row.measured == float("inf") for row in peers)
    exempt = [row for row in rows if row.verdict == "report" and "exempt" in row.note]
    text = f"""# Equivalence with PyTorch

Written by `make report` on {made[:10]} with {named}, on {device}.
Gold: {whole().origin};
eager attention, float32 without TF32. Limits: gemma_mlx/verification/limits.py.

What this proves: the mathematics, on this machine's backend and on MLX's CUDA backend. Metal is proven
by running the same comparison on a Mac, which is one line, needs no torch, and prints the same table:

    gemma-mlx verify --recording tests/equivalence/recordings/tiny.safetensors

## The recording of an H200, replayed on this machine

{counts["passed"]} of {counts["passed"] + counts["failed"]} rows are within their limits, \
{len(exempt)} exempted.

{by_case(rows)}
{markdown_table(exempt) if exempt else ""}
## Limits that are wider than the published table's

{wider_part()}
## bf16: as near to exact as PyTorch's own

Error of the logits against fp32 gold, over PyTorch's own bf16 error; mean of {cases.NOISE_SEEDS} seeds.
Ours may be 1.05 at most. mlx-lm's for gemma2 is that of the window it lacks.

{rounded_part(rows, peers)}
## MLX's CUDA backend against PyTorch on the same GPU

{about}
Sizes are the published ones, with seeded weights, each with a prompt beyond its window.

{cuda_part(results)}
## Errors that were planted, and what the comparison said

{sum(error["named"] == "yes" for error in errors)} of {len(errors)} were found and named \
(tests/verification/test_planted_errors.py).

| planted | named | said |
|---|---|---|
"""
    text += "".join(f"| {e['error']} | {e['named']} | {e['said'].replace('|', '/')} |\n" for e in errors)
    text += f"""
## mlx-lm {versions.get("mlx-lm", "")} through the same recording

{peer_counts["passed"]} rows within the same limits, {beyond}, {broken} raise or do not load.

{markdown_table(peers)}
## Tokenizers

{TOKENIZER_TEST} puts 10^5 hard strings through both forms of Gemma 2's tokenizer, SentencePiece's and
Hugging Face's, and asks for 0 differences and no control token from text. {tokenizers()}
"""
    (HERE / "REPORT.md").write_text(text, encoding="utf-8")
    document = {
        "made": made, "versions": versions, "device": device, "gold": whole().origin, **counts,
        "rows": [as_json(row) for row in rows], "cuda": results, "planted": errors,
        "mlx-lm": [as_json(row) for row in peers],
    }  # fmt: skip
    written = json.dumps(document, indent=1, allow_nan=False) + "\n"
    (HERE / "REPORT.json").write_text(written, encoding="utf-8")
    print(f"REPORT.md: {counts['passed']} within limits, {counts['failed']} beyond")
    return int(counts["failed"] > 0 or any(error["named"] != "yes" for error in errors))


def _installed(name: str) -> bool:
    try:
        version(name)
    except Exception:
        return False
    return True


if __name__ == "__main__":
    raise SystemExit(main())
