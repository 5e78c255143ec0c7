"""Whether a folder's tensors are those that its configuration calls for, before any data is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gemma_mlx.errors import ModelError
from gemma_mlx.library.atomic import open_regular
from gemma_mlx.models.config import ModelConfig, parameter_shapes
from gemma_mlx.weights.headers import AGAIN, Checkpoint, TensorHeader, read_headers
from gemma_mlx.weights.nf4 import STATE_PARTS, Nf4State, parse_state
from gemma_mlx.weights.scheme import Scheme, StoredQuantization, quantization_of

_FLOATS = ("F32", "F16", "BF16")
_MOST_ROWS = 2_000_000


@dataclass(frozen=True)
class CheckedModel:
    """A model folder whose headers fit its configuration.

    `config` has the vocabulary that the file has. `schemes` and `states` say of each module's path how its
    weight is stored; in neither: in full width. `unused` are tensors of the file that nothing reads.
    """

    checkpoint: Checkpoint
    config: ModelConfig
    quantization: StoredQuantization | None
    schemes: Mapping[str, Scheme] = field(default_factory=dict)
    states: Mapping[str, Nf4State] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()

    def where(self, name: str) -> str:
        """The file and the name that hold a tensor, for an error."""
        header = self.checkpoint.tensors.get(name)
        return header.where if header is not None else f"{self.checkpoint.folder}, tensor {name}"


def check_model(folder: Path, config: ModelConfig) -> CheckedModel:
    """Check every header of a model folder against its configuration.

    Raises:
        ModelError: what `read_headers` raises; a tensor is missing, unexpected, or of a wrong shape or dtype.
    """
    checkpoint = read_headers(folder)
    quantization = quantization_of(config.raw, str(folder / "config.json"))
    fitted = _fit_vocabulary(config, checkpoint)
    inspector = _Inspector(checkpoint, quantization)
    for name, shape in parameter_shapes(fitted).items():
        inspector.check(name, shape)
    unused = inspector.finish(fitted)
    return CheckedModel(checkpoint, fitted, quantization, inspector.schemes, inspector.states, unused)


def _fit_vocabulary(config: ModelConfig, checkpoint: Checkpoint) -> ModelConfig:
    """The file's vocabulary counts: fine-tunes resize it, and multimodal files differ from their defaults."""
    header = checkpoint.tensors.get("model.embed_tokens.weight")
    if header is None or len(header.shape) != 2 or not 1 <= header.shape[0] <= _MOST_ROWS:
        return config
    return replace(config, vocab_size=header.shape[0])


class _Inspector:
    """Goes through the parameters, gathers all that is missing, and raises at the first that is wrong."""

    def __init__(self, checkpoint: Checkpoint, quantization: StoredQuantization | None) -> None:
        self.folder = checkpoint.folder
        self.tensors = checkpoint.tensors
        self.quantization = quantization
        self.schemes: dict[str, Scheme] = {}
        self.states: dict[str, Nf4State] = {}
        self.used: set[str] = set()
        self.missing: list[str] = []

    def check(self, name: str, shape: tuple[int, ...]) -> None:
        path = name.removesuffix(".weight")
        method = self.quantization.method if self.quantization else ""
        state = next((f"{name}.{part}" for part in STATE_PARTS if f"{name}.{part}" in self.tensors), None)
        if len(shape) == 2 and method == "mlx" and f"{path}.scales" in self.tensors:
            self._check_quantized(path, (shape[0], shape[1]))
        elif len(shape) == 2 and method == "bitsandbytes" and state is not None:
            self._check_nf4(path, name, state, shape)
        else:
            self._check_float(name, shape)

    def finish(self, config: ModelConfig) -> frozenset[str]:
        """Raises for what is missing or left over; gives the tensors that are rightly not read."""
        if self.missing:
            first = self.missing[0]
            more = f" and {len(self.missing) - 1} more" if len(self.missing) > 1 else ""
            raise ModelError(
                "missing-tensor", f"The model's weights are not complete: {first}{more} missing.",
                where=f"{self.folder}, tensor {first}", fix="Download the model's weights again, all files.",
            )  # fmt: skip
        unused = self.tensors.keys() - self.used
        if config.tie_word_embeddings:
            # Some programs store the head though it is tied; transformers does not read it either.
            heads = {name for name in unused if name.startswith("lm_head.")}
        else:
            heads = set()
        foreign = sorted(unused - heads)
        if foreign:
            raise self._foreign(foreign)
        return frozenset(heads)

    def _foreign(self, names: list[str]) -> ModelError:
        first = names[0]
        if first.endswith((".SCB", ".weight_format")):
            what = "the weights are bitsandbytes' 8-bit integers, which are not read here"
        elif first.endswith((".scales", ".biases")) or ".weight." in first:
            what = f"{first} belongs to a quantized weight, but config.json names no such quantization"
        else:
            what = f"{first} has no place in the model that config.json describes"
        return ModelError(
            "unexpected-tensor", f"config.json does not fit the weights: {what} ({len(names)} such tensors).",
            where=self.tensors[first].where,
            fix="Download config.json and the weights of one and the same model.",
        )  # fmt: skip

    def _take(self, name: str) -> TensorHeader | None:
        header = self.tensors.get(name)
        if header is None:
            self.missing.append(name)
        else:
            self.used.add(name)
        return header

    def _check_float(self, name: str, shape: tuple[int, ...]) -> None:
        header = self._take(name)
        if header is None:
            return
        if header.dtype not in _FLOATS:
            raise ModelError(
                "wrong-dtype", f"{name} is stored as {header.dtype}; {', '.join(_FLOATS)} can be read.",
                where=header.where, fix="Take the 16-bit model, or one quantized in MLX's or NF4's format.",
            )  # fmt: skip
        if header.shape != shape:
            raise _wrong_shape(header, shape)

    def _check_quantized(self, path: str, shape: tuple[int, int]) -> None:
        parts = {part: self.tensors.get(f"{path}.{part}") for part in ("weight", "scales")}
        headers = [header for header in parts.values() if header is not None]
        assert self.quantization is not None
        scheme = self.quantization.scheme(path)
        weight, scales = parts["weight"], parts["scales"]
        if weight is not None and scales is not None and len(weight.shape) == len(scales.shape) == 2:
            # The tensors know best: some programs leave single modules' widths out of config.json.
            byte_scales = scales.dtype == "U8"
            scheme = Scheme.from_shapes(shape[1], weight.shape[1], scales.shape[1], byte_scales=byte_scales)
        if scheme is None:
            raise _wrong_shape(headers[0], shape)
        for part, expected in scheme.shapes(*shape).items():
            header = self._take(f"{path}.{part}")
            if header is None:
                continue
            kinds = ("U32",) if part == "weight" else _FLOATS if scheme.mode == "affine" else ("U8",)
            if header.dtype not in kinds:
                raise ModelError(
                    "wrong-dtype", f"{header.name} is stored as {header.dtype}, not {' or '.join(kinds)}.",
                    where=header.where, fix=AGAIN,
                )  # fmt: skip
            if header.shape != expected:
                raise _wrong_shape(header, expected)
        self.schemes[path] = scheme

    def _check_nf4(self, path: str, name: str, state_name: str, shape: tuple[int, ...]) -> None:
        header = self.tensors[state_name]
        self.used.add(state_name)
        with open_regular(header.file) as stream:
            stream.seek(header.begin)
            state = parse_state(stream.read(min(header.size, 65_536)), header.where)
        if state.shape != shape:
            raise _wrong_shape(replace(header, shape=state.shape, name=name), shape)
        for ending, (dtype, count) in state.part_shapes().items():
            part = self._take(name + ending)
            if part is None:
                continue
            if part.dtype != dtype:
                raise ModelError(
                    "wrong-dtype", f"{part.name} is stored as {part.dtype}, not {dtype}.",
                    where=part.where, fix=AGAIN,
                )  # fmt: skip
            if math.prod(part.shape) != count:
                raise _wrong_shape(part, (count,))
        self.states[path] = state


def _wrong_shape(header: TensorHeader, expected: tuple[int, ...]) -> ModelError:
    return ModelError(
        "wrong-shape",
        f"{header.name} has the shape {list(header.shape)}, but config.json calls for {list(expected)}.",
        where=header.where, fix="Download config.json and the weights of one and the same model.",
    )  # fmt: skip
