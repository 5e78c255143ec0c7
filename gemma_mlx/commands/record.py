"""`gemma-mlx record`: PyTorch's numbers of a model, for `gemma-mlx verify` on this or another machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.markup import escape

from gemma_mlx.errors import GemmaError
from gemma_mlx.terminal.flags import JsonFlag
from gemma_mlx.terminal.loading import AdapterFlag, check_adapter, find_adapter, find_base
from gemma_mlx.terminal.output import Output, size_text

TRAIN_TOKENS = 320
"""More than a block of attention's queries holds, so that the gradient crosses from one to the next."""


def record(
    model: str,
    /,
    *,
    to: Annotated[
        Path | None,
        Parameter(
            name="--out",
            help="The file to write. Not given: pytorch.recording in the model's folder, or the adapter's.",
        ),
    ] = None,
    adapter: AdapterFlag = "",
    device: Annotated[
        Literal["auto", "cpu", "cuda"],
        Parameter(help="Where PyTorch computes; auto: CUDA where there is one."),
    ] = "auto",
    text: Annotated[
        Path | None, Parameter(help="A text file to record on, instead of a built-in page.")
    ] = None,
    train_tokens: Annotated[
        int,
        Parameter(
            help="Length of the row that LoRA is trained on for 20 steps; 0: no training.",
            validator=Number(gte=0),
        ),
    ] = TRAIN_TOKENS,
    json: JsonFlag = False,
    out: Annotated[Output, Parameter(parse=False)],
) -> dict[str, Any]:
    """Record PyTorch's numbers of a model: needs torch, transformers and peft, not MLX.

    Parameters
    ----------
    model
        The model's folder or name, in 16 or 32 bit.
    """
    from importlib.util import find_spec

    missing = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
    if missing:
        raise GemmaError(
            "no-pytorch",
            f"Recording needs {', '.join(missing)}, which is not installed here.",
            fix='Install what it needs: pip install "gemma-mlx[equivalence]".',
            kept="Nothing was written.",
        )
    if to is not None and to.exists():
        # Told before minutes of PyTorch, and never written over.
        raise GemmaError(
            "output-exists",
            "There is something of this name already.",
            where=str(to),
            fix="Choose another name, or move what is there away.",
            kept="It is untouched; nothing was recorded.",
        )
    folder = find_base(model)
    adapter_folder = find_adapter(adapter) if adapter else None
    page = _read(text) if text is not None else None
    if adapter_folder is not None:
        check_adapter(adapter_folder)

    import torch

    from gemma_mlx.verification.record_folder import record_folder
    from gemma_mlx.verification.recording import RECORDING_NAME, write_recording

    chosen = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
    options: dict[str, Any] = {} if page is None else {"text": page}
    if chosen == "cuda" and not torch.cuda.is_available():
        raise GemmaError(
            "no-cuda", "PyTorch finds no CUDA device here.",
            fix="Leave --device away: the CPU computes the same.", kept="Nothing was written.",
        )  # fmt: skip
    made = record_folder(
        folder, chosen, out.aside, adapter=adapter_folder, train_tokens=train_tokens, **options
    )
    path = to or (adapter_folder or folder) / RECORDING_NAME
    write_recording(made, path)
    size = path.stat().st_size
    out.say(f"[bold]{escape(str(path))}[/], {size_text(size)}: {escape(made.origin)}")
    named = ("--adapter", adapter) if adapter else ()
    out.suggest("gemma-mlx verify", model, *named, "--recording", path)
    return {"path": path, "bytes": size, "reference": made.origin, "model": model, "adapter": adapter or None}


def _read(path: Path) -> str:
    try:
        page = path.read_text(encoding="utf-8")
        if not page.strip():
            raise ValueError("it is empty")
    except (OSError, ValueError) as problem:
        raise GemmaError(
            "unreadable-text", f"The text cannot be read: {problem}", where=str(path),
            fix="Give a text file in UTF-8.", kept="Nothing was written.",
        ) from None  # fmt: skip
    return page
