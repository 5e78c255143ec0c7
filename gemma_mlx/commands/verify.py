"""`gemma-mlx verify`: a model's numbers on this machine against those that PyTorch gave for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich.markup import escape

from gemma_mlx.errors import GemmaError
from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.loading import DEMO, AdapterFlag, check_adapter, find_adapter, find_base
from gemma_mlx.terminal.output import Output

WIDE = 110
"""Columns of a terminal in which a table with remarks does not break its lines."""


def verify(
    model: str = "",
    /,
    *,
    recording: Annotated[
        Path | None,
        Parameter(help="What `gemma-mlx record` wrote. Not given: the one in the model's folder."),
    ] = None,
    adapter: AdapterFlag = "",
    precision: Annotated[
        Literal["both", "fp32", "bf16"], Parameter(help="fp32 takes twice the memory of a bf16 model.")
    ] = "both",
    all_rows: Annotated[
        bool, Parameter(negative=(), help="Show every quantity, not one line a case.")
    ] = False,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Compare this machine's numbers with PyTorch's. Exit status 1 where a limit is passed.

    Without a recording and with torch installed, PyTorch is run here and now. A quantized model is compared
    with its own dequantized weights, and for quality with its original's recording.

    Parameters
    ----------
    model
        The model's folder or name. Not given: the recording's own seeded models, or the embedded one.
    """
    from gemma_mlx.library.verification import store_verification
    from gemma_mlx.verification import verify as proof

    precisions = proof.PRECISIONS if precision == "both" else (precision,)
    known = proof.open_recording(recording) if recording is not None else None
    adapter_folder = find_adapter(adapter) if adapter else None
    if adapter_folder is not None:
        check_adapter(adapter_folder)
    if not model and known is not None and not proof.has_model(known):
        if adapter_folder is not None:
            raise GemmaError(
                "adapter-not-compared", "This recording is of models made from a seed: no adapter fits them.",
                fix="Leave --adapter away, or record the model with it: gemma-mlx record MODEL --adapter A.",
                kept="Nothing was compared.",
            )  # fmt: skip
        rows = proof.verify_seeded(known, precisions=precisions, progress=out.aside)
        document = proof.result_document(list(rows), known, "seeded models")
    else:
        folder = find_base(model or DEMO)
        if known is None and (beside := proof.find_recording(adapter_folder or folder)) is not None:
            known = proof.open_recording(beside)
        if known is None and proof.needs_recording(folder):
            known = _record_now(folder, adapter_folder, out)
        rows = proof.verify_model(
            folder, known, adapter=adapter_folder, precisions=precisions, progress=out.aside
        )
        document = proof.result_document(list(rows), known, model or DEMO)
        if adapter_folder is None and precision == "both":  # what is kept is the whole comparison
            document["stored"] = str(store_verification(folder, document))
    draw(document, out, all_rows)
    return {**document, "exit_status": int(document["failed"] > 0)}


def _record_now(folder: Path, adapter: Path | None, out: Output) -> Any:
    """PyTorch's numbers from this machine, where it is installed."""
    from importlib.util import find_spec

    from gemma_mlx.verification.verify import no_recording

    if any(find_spec(name) is None for name in ("torch", "transformers", "peft")):
        raise no_recording(folder)
    from gemma_mlx.verification.record_folder import record_folder

    out.aside("no recording: PyTorch is run here first")
    return record_folder(folder, "cpu", out.aside, adapter=adapter)


def draw(document: dict[str, Any], out: Output, all_rows: bool) -> None:
    """The table of quantities, or of those beyond their limits where there are several cases."""
    from gemma_mlx.verification.report import from_json, numbers

    rows = [from_json(row) for row in document["rows"]]
    single = len({row.case for row in rows}) == 1
    shown = rows if all_rows or single else [row for row in rows if row.verdict == "FAIL"]
    narrow = single and out.stdout.width < WIDE
    if narrow:  # a remark on what passed is not worth breaking every line for
        shown = [replace(row, note="" if row.verdict == "pass" else row.note) for row in shown]
    if shown:
        columns = ["Case", "Precision", "Quantity", ">Limit", ">Measured", ">PyTorch's own", "Verdict", ""]
        lines = [
            [row.case, row.precision, row.quantity, *numbers(row), row.verdict, row.note] for row in shown
        ]
        kept = slice(1 if single else 0, None if any(row.note for row in shown) else -1)
        out.table(columns[kept], [line[kept] for line in lines])
    counts = (
        f"{document['passed']} within limits, {document['failed']} beyond, {document['reported']} reported"
    )
    colour = "green" if document["verdict"] == "pass" else "red"
    out.say(f"[bold {colour}]{escape(document['summary'])}[/]: {counts}, on {escape(document['device'])}")
    if narrow:
        out.say(f"Remarks on what passed: in a terminal of {WIDE} columns, or with --json.", style="dim")
    if document["first_deviation"]:
        out.say(f"First: {escape(document['first_deviation'])}")
