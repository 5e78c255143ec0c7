"""A model on this machine against its recording from PyTorch; a quantized one against what it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlx.core as mx
import numpy as np

from gemma_mlx import __version__
from gemma_mlx.errors import ModelError, TokenizerError
from gemma_mlx.library.store import sha256_file
from gemma_mlx.load import Loaded, load_model
from gemma_mlx.models.config import read_config
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.verification import compare_model, replay, seeded
from gemma_mlx.verification.check import check_recording
from gemma_mlx.verification.compare import compare_tiny
from gemma_mlx.verification.passage import PASSAGE
from gemma_mlx.verification.quantized import compare_with_dequantized, is_quantized, quality_rows
from gemma_mlx.verification.recording import RECORDING_NAME, Recording, read_recording
from gemma_mlx.verification.report import Row, as_document, judged, summary
from gemma_mlx.weights.scheme import QUANTIZED_FROM, quantization_of

QUANTIZED_TOKENS = 256
WEIGHTS = "weights"
"""The row that says whose numbers these are; it compares none."""
PRECISIONS = ("fp32", "bf16")
DTYPES = {"fp32": "float32", "bf16": "bfloat16"}
Progress = Callable[[str], None]


def find_recording(folder: Path) -> Path | None:
    """The recording in the model's folder, if there is one."""
    beside = folder / RECORDING_NAME
    return beside if beside.is_file() else None


def open_recording(path: Path) -> Recording:
    """The recording in a file, with all that a comparison needs in it.

    Raises:
        ModelError: what `read_recording` and `check_recording` raise.
    """
    recording = read_recording(path)
    check_recording(recording)
    return recording


def has_model(recording: Recording) -> bool:
    """Whether a recording is of a model's folder; others bring their seeded models with them."""
    return any(entry["kind"] == "model" for entry in recording.cases.values())


def needs_recording(folder: Path) -> bool:
    """Whether PyTorch has to be asked: a quantized model can be compared with its own weights."""
    return quantization_of(read_config(folder).raw) is None


def verify_seeded(
    recording: Recording, *, precisions: Sequence[str] = PRECISIONS, progress: Progress | None = None
) -> Iterator[Row]:
    """Rows of a recording that needs no model folder: tiny models, published sizes with seeded weights."""
    yield from compare_tiny(recording, precisions=precisions, progress=progress)
    for name, entry in recording.cases.items():
        if entry["kind"] == "shape":
            if progress is not None:
                progress(name)
            yield from compare_model.compare_shape(name, entry, recording.of(name), precisions=precisions)


def verify_model(
    folder: Path,
    recording: Recording | None,
    *,
    adapter: Path | None = None,
    precisions: Sequence[str] = PRECISIONS,
    progress: Progress | None = None,
) -> Iterator[Row]:
    """Rows of a model folder. A quantized one needs no recording; with its original's it gets quality rows.

    Raises:
        ModelError: there is no recording of a full model, or it is of another model or adapter.
    """
    replay.prepare_mlx()
    say = progress or (lambda words: None)
    say("loading")
    loaded = load_model(folder, dtype="float32")
    if not needs_recording(folder) and not is_quantized(loaded.model):
        # bitsandbytes' four bits are used at eight, where no width is asked for.
        loaded = load_model(folder, dtype="float32", quantization=QuantizeSettings(bits=8))
    if is_quantized(loaded.model):
        if adapter is not None:
            raise ModelError(
                "adapter-not-compared", "An adapter is compared on a full model; this one is quantized.",
                where=str(folder), fix="Name the model that it was quantized from, or leave --adapter away.",
                kept="Nothing was compared.",
            )  # fmt: skip
        yield from _quantized(loaded, recording, say)
        return
    if recording is None:
        raise no_recording(folder)
    name, entry = model_entry(recording)
    gold = recording.of(name)
    if loaded.fingerprint != entry["fingerprint"]:
        raise _another("model")
    _check_adapter(entry, adapter)
    yield judged(folder.name, "fp32", WEIGHTS, 0.0, 0.0, note="the recorded ones")
    for precision in precisions:
        if precision == "bf16" and not entry["bf16"]:
            continue  # stored wider than bf16, or recorded with an adapter: PyTorch has no bf16 figure
        say(precision)
        if precision != "fp32" or adapter is not None:
            loaded = load_model(folder, adapter, dtype=DTYPES[precision])
        loaded.model.freeze()
        yield from compare_model.compare_model(folder.name, precision, loaded.model, entry, gold)
        mx.clear_cache()


def _quantized(loaded: Loaded, recording: Recording | None, say: Progress) -> Iterator[Row]:
    name = loaded.folder.name
    say("against its own dequantized weights")
    if recording is None:
        ids = own_ids(loaded)
        yield from compare_with_dequantized(name, loaded.model, ids)
        return
    entry_name, entry = model_entry(recording)
    gold = recording.of(entry_name)
    made_from = loaded.config.raw.get(QUANTIZED_FROM, entry["fingerprint"])  # others' models do not say it
    if entry["config"]["vocab_size"] != loaded.config.vocab_size or made_from != entry["fingerprint"]:
        raise _another("model")
    yield from compare_with_dequantized(name, loaded.model, gold["ids"][:QUANTIZED_TOKENS])
    say("against the original")
    loaded = load_model(loaded.folder)
    got = compare_model.forward(loaded.model, gold)
    yield from quality_rows(name, loaded.config.dtype, got, gold, entry)


def own_ids(loaded: Loaded) -> np.ndarray:
    """Ids (L,) of the passage, or any where there is no tokenizer."""
    try:
        ids = [loaded.config.bos_token_id, *loaded.tokenizer.encode(PASSAGE)]
    except TokenizerError:
        return seeded.make_ids(0, QUANTIZED_TOKENS, loaded.config.vocab_size)
    return np.array(ids[:QUANTIZED_TOKENS], np.int32)


def _check_adapter(entry: dict[str, Any], adapter: Path | None) -> None:
    given = sha256_file(adapter / "adapter_model.safetensors") if adapter is not None else None
    if given != entry.get("adapter"):
        raise _another("adapter")


def model_entry(recording: Recording) -> tuple[str, dict[str, Any]]:
    """The name and the manifest's part of a recorded model folder.

    Raises:
        ModelError: the recording is of seeded models, which have no folder.
    """
    for name, entry in recording.cases.items():
        if entry["kind"] == "model":
            return name, entry
    raise ModelError(
        "recording-without-model", "This recording is of models made from a seed, not of a folder.",
        fix="Leave the model out: gemma-mlx verify --recording FILE.",
    )  # fmt: skip


def no_recording(folder: Path) -> ModelError:
    """What a full model needs before it can be compared."""
    return ModelError(
        "no-recording", "PyTorch's numbers of this model are not recorded.", where=str(folder),
        fix=f"Run `gemma-mlx record {folder}` where torch, transformers and peft are installed, and give the "
        "file it writes as --recording.",
        kept="Nothing was changed.",
    )  # fmt: skip


def _another(what: str) -> ModelError:
    return ModelError(
        "recording-of-another", f"The recording was made of another {what}.",
        fix=f"Record this {what}: gemma-mlx record MODEL, with --adapter where one is used.",
    )  # fmt: skip


def result_document(rows: Sequence[Row], recording: Recording | None, model: str) -> dict[str, Any]:
    """The comparison as it is stored and printed as JSON; "summary" is one line for people.

    Raises:
        ModelError: "nothing-compared": no number was, so that there is nothing to say of the model.
    """
    if not any(row.limit is not None and row.quantity != WEIGHTS for row in rows):
        raise ModelError(
            "nothing-compared", "The recording holds no number that could be compared here.",
            fix="Leave --precision away: a recording with an adapter, or of weights wider than bf16, has "
            "only fp32 figures. Else record the model anew.",
            kept="Nothing was stored.",
        )  # fmt: skip
    counts = summary(rows)
    origin = recording.origin if recording is not None else "its own dequantized weights"
    device = f"{mx.default_device().type.name}, {mx.device_info().get('device_name', 'CPU')}"
    made = datetime.now(UTC).isoformat(timespec="seconds")
    good = counts["failed"] == 0
    return as_document(
        rows,
        model=model,
        verdict="pass" if good else "FAIL",
        summary=f"{_summary(rows, origin, good)}, {made[:10]}",
        reference=origin,
        made=made,
        device=device,
        versions={"gemma-mlx": __version__, "mlx": version("mlx")},
    )


def _summary(rows: Sequence[Row], origin: str, good: bool) -> str:
    """What was compared with what. Of a quantized model PyTorch's original is no proof, only a distance."""
    quality = {row.quantity: row.measured for row in rows if row.quantity.startswith("quality")}
    if any(row.quantity.startswith("quantized") for row in rows):
        words = f"{'verified against' if good else 'differs from'} its own dequantized weights"
        if quality:
            words += (
                f"; from PyTorch's original KL {quality['quality: KL, mean']:.2g}, "
                f"top-1 {quality['quality: top-1 agreement']:.1%}"
            )
        return words
    return f"{'verified against' if good else 'differs from'} {origin.rsplit(',', 1)[0]}"
