"""A recording on disk: one safetensors file of float32 and int32 arrays, its manifest in the file's header.

The manifest says who recorded what, on which device, with which versions and seeds, and holds every scalar.
Array names are CASE/QUANTITY. A seal over all of it, made when it is written, shows what was lost or changed
since: a comparison with a part of a recording would pass with fewer rows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from gemma_mlx.errors import ModelError
from gemma_mlx.library.atomic import open_regular

FORMAT = 2
RECORDING_NAME = "pytorch.recording"
"""A recording that stands in its model's folder. Its format is safetensors'; it is no weight file."""
_NAME = "gemma-mlx-recording"


@dataclass
class Recording:
    """`manifest`: {"format", "made", "versions", "device", "cases": {name: scalars}}; `arrays` by name."""

    manifest: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def cases(self) -> dict[str, Any]:
        """Each case's part of the manifest."""
        return dict(self.manifest["cases"])

    def of(self, case: str) -> dict[str, np.ndarray]:
        """The arrays of one case, by quantity."""
        return {name[len(case) + 1 :]: a for name, a in self.arrays.items() if name.startswith(f"{case}/")}

    @property
    def origin(self) -> str:
        """In words: what this was recorded with."""
        versions = self.manifest["versions"]
        return (
            f"PyTorch {versions['torch']} with transformers {versions['transformers']} "
            f"on {self.manifest['device']}, {self.manifest['made'][:10]}"
        )


def seal(recording: Recording) -> str:
    """SHA-256 of the manifest (without its own seal) and of every array's name, type, shape and bytes.

    Raises:
        ValueError: a scalar of the manifest is NaN or infinite.
    """
    kept = {name: value for name, value in recording.manifest.items() if name != "seal"}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True, allow_nan=False).encode())
    for name in sorted(recording.arrays):
        array = np.ascontiguousarray(recording.arrays[name])
        digest.update(f"\n{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def write_recording(recording: Recording, path: Path) -> None:
    """Writes the file at once: a sibling first, then its name.

    Raises:
        ModelError: "not-finite": the reference gave NaN or infinity, which nothing can be compared with.
    """
    arrays = {name: np.ascontiguousarray(array) for name, array in recording.arrays.items()}
    kept = {name: value for name, value in recording.manifest.items() if name != "seal"}
    made = Recording({**kept, "name": _NAME, "format": FORMAT}, arrays)
    wrong = [name for name, array in arrays.items() if not np.isfinite(array).all()]
    try:
        manifest = json.dumps({**made.manifest, "seal": seal(made)}, sort_keys=True, allow_nan=False)
    except ValueError:
        wrong.append("a scalar of the manifest")
    if wrong:
        raise ModelError(
            "not-finite", f"PyTorch's own numbers are not finite: {wrong[0]} ({len(wrong)} in all).",
            where=str(path), fix="Look at the model's weights: they overflow, or hold NaN.",
            kept="Nothing was written.",
        )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    sibling = path.with_name(f".{path.name}.partial")
    save_file(arrays, sibling, metadata={"manifest": manifest})
    sibling.chmod(0o644)  # it is made to be sent to others
    sibling.replace(path)


def read_recording(path: Path) -> Recording:
    """The recording in a file.

    Raises:
        ModelError: the file is missing, or no recording of a format that this program knows; or what is in
            it is not what was written ("damaged-recording").
    """
    try:
        open_regular(path).close()  # a FIFO would wait for a writer that never comes
        with safe_open(path, "numpy") as file:
            manifest = json.loads((file.metadata() or {}).get("manifest", "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError, ValueError, TypeError) as problem:
        raise ModelError(
            "unreadable-recording", f"The recording cannot be read: {problem}", where=str(path),
            fix="Copy the file again from the machine that recorded it.",
        ) from None  # fmt: skip
    if not isinstance(manifest, dict) or manifest.get("name") != _NAME or manifest.get("format") != FORMAT:
        raise ModelError(
            "not-a-recording", "This file is no recording of the reference.", where=str(path),
            fix="Make one with `gemma-mlx record MODEL` where torch and transformers are installed.",
        )  # fmt: skip
    recording = Recording(manifest, arrays)
    if seal(recording) != manifest.get("seal"):
        raise damaged("Numbers of it were lost or changed since it was written.", path)
    return recording


def damaged(what: str, path: Path | None = None) -> ModelError:
    """The error for a recording that cannot be compared with."""
    return ModelError(
        "damaged-recording", what, where=str(path or "the recording"),
        fix="Copy the file again from the machine that recorded it, or record the model anew.",
        kept="Nothing was compared.",
    )  # fmt: skip
