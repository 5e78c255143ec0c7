"""Listing, inspecting, importing, quantizing and merging models: what needs no forward pass of a window."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done, Progress
from gemma_mlx.library import store
from gemma_mlx.library.verification import FILE_NAME as VERIFICATION_NAME
from gemma_mlx.training.memory import allowed_memory, total_memory
from gemma_mlx.worker import protocol
from gemma_mlx.worker.context import Answer, Context, result
from gemma_mlx.worker.machine import step_back, verdict
from gemma_mlx.worker.model_facts import demo_folder, describe
from gemma_mlx.worker.results import ModelList, ModelSummary, QuantizationPreview

_COPY_BYTES = 8 * 2**20
_COMPANIONS = {".json", ".model", ".jinja", ".txt", ".md"}


def list_models(context: Context, command: protocol.ListModels) -> Iterator[Answer]:
    """Every model that is here, with its memory need; one that cannot be used says why."""
    allowed = allowed_memory()
    entries = store.list_models()
    models = [describe(entry.path, allowed, entry) for entry in entries]
    demo = demo_folder()
    if demo is not None:
        models.insert(0, describe(demo, allowed).model_copy(update={"origin": "demo"}))
    answer = ModelList(models=tuple(models), allowed_bytes=allowed, total_bytes=total_memory())
    yield result(command, answer)


def inspect_model(context: Context, command: protocol.InspectModel) -> Iterator[Answer]:
    """One folder, wherever it lies."""
    yield result(command, _summary(Path(command.path)))


def import_model(context: Context, command: protocol.ImportModel) -> Iterator[Answer]:
    """Copy a folder into the library: checked before, published whole, only what a model consists of."""
    source = Path(command.path)
    before = _summary(source)
    if before.problem:
        raise GemmaError(
            "unusable-model", before.problem, where=str(source), fix=before.fix, kept="Nothing was copied."
        )
    files = [
        path
        for path in sorted(source.iterdir())
        # A verification is told of what was compared here, never of what somebody's folder claims.
        if path.is_file()
        and path.name != VERIFICATION_NAME
        and (path.suffix in _COMPANIONS or _is_weight(path))
    ]
    total = sum(path.stat().st_size for path in files)
    target = store.models_root() / store.safe_name(source.name)
    if shutil.disk_usage(_existing(target)).free < total:
        raise GemmaError(
            "disk-full", f"The model takes {total / 1e9:.1f} GB, more than the disk has free.",
            where=str(target), fix="Free some space on this disk.", kept="Nothing was copied.",
        )  # fmt: skip
    done = 0
    with store.atomic_folder(target) as draft:
        for path in files:
            with path.open("rb") as original, (draft / path.name).open("wb") as copy:
                while chunk := original.read(_COPY_BYTES):
                    context.check()
                    copy.write(chunk)
                    done += len(chunk)
                    yield Progress("Copying", done, total, "bytes", path.name)
    yield result(command, _summary(target))


def quantize_preview(context: Context, command: protocol.QuantizePreview) -> Iterator[Answer]:
    """Sizes from the configuration alone, and the error of a sample of the weights."""
    from gemma_mlx.models.config import read_config
    from gemma_mlx.weights.quantize import quantization_preview
    from gemma_mlx.worker.model_facts import cache_bytes, sampled_error

    folder = store.find_model(command.model)
    config = read_config(folder)
    sizes = quantization_preview(config, command.settings)
    allowed = allowed_memory()
    needed = sizes.bytes_after + cache_bytes(config)
    yield result(
        command,
        QuantizationPreview(
            before_bytes=sizes.bytes_before,
            after_bytes=sizes.bytes_after,
            bits_per_weight=sizes.bits_per_weight,
            relative_error=sampled_error(folder, config, command.settings),
            memory_bytes=needed,
            allowed_bytes=allowed,
            verdict=verdict(needed, allowed),
            notes=sizes.notes,
        ),
    )


def quantize(context: Context, command: protocol.Quantize) -> Iterator[Answer]:
    """A quantized copy in the library; a stop leaves nothing behind."""
    from gemma_mlx.weights.quantize import save_quantized

    step_back()
    target = store.models_root() / store.safe_name(command.name)
    yield from _written(context, save_quantized(store.find_model(command.model), target, command.settings))


def merge_adapter(context: Context, command: protocol.MergeAdapter) -> Iterator[Answer]:
    """Base and adapter as one model in the library, in 16 bit."""
    from gemma_mlx.exchange.merge import save_merged

    step_back()
    target = store.models_root() / store.safe_name(command.name)
    work = save_merged(store.find_model(command.model), Path(command.adapter), target)
    yield from _written(context, work)


def export_model(context: Context, command: protocol.ExportModel) -> Iterator[Answer]:
    """A copy for other programs: merged safetensors, GGUF, or the adapter alone; a stop leaves nothing."""
    step_back()
    base, target = store.find_model(command.model), Path(command.target)
    adapter = Path(command.adapter) if command.adapter else None
    yield from _written(context, _export(command, base, adapter, target))


def _export(
    command: protocol.ExportModel, base: Path, adapter: Path | None, target: Path
) -> Iterator[Answer]:
    if command.format.startswith("gguf") and command.format != "gguf-adapter":
        from gemma_mlx.exchange.gguf import KINDS, export_gguf

        kind = next(kind for kind in KINDS if command.format == f"gguf-{kind}")
        return export_gguf(base, target, adapter=adapter, kind=kind)
    if adapter is None:
        raise GemmaError(
            "nothing-to-export", "There is no adapter to be written.", where=command.model,
            fix="Choose an adapter below the model, or export the model as GGUF.",
            kept="Nothing was written.",
        )  # fmt: skip
    if command.format == "gguf-adapter":
        from gemma_mlx.exchange.gguf import export_gguf_adapter

        return export_gguf_adapter(base, adapter, target)
    if command.format == "mlx-lm-adapter":
        from gemma_mlx.adapters.mlx_lm import export_mlx_lm

        return iter([Done(export_mlx_lm(adapter, target, base_model=str(base)))])
    from gemma_mlx.exchange.merge import save_merged

    return save_merged(base, adapter, target)


def _written(context: Context, work: Iterator[Answer]) -> Iterator[Answer]:
    """The events of a writer, with `folder` in what it made; closing it on a stop undoes its draft."""
    for event in work:
        if isinstance(event, Done):
            yield Done({**event.result, "folder": event.result["path"]}, event.outcome)
            continue
        context.check()
        yield event


def _summary(folder: Path) -> ModelSummary:
    return describe(folder, allowed_memory())


def _is_weight(path: Path) -> bool:
    return path.suffix == ".safetensors" and path.name.startswith("model")


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
