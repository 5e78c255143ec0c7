"""How weights are stored in fewer bits, as data: formats, what config.json says, and the plan for a model.

No MLX here. Formats are those of `mlx.core.quantize`; config.json's layout is mlx-lm's: {"quantization":
{"group_size", "bits", "mode", and module path -> the same three, or false}}.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from gemma_mlx.errors import ModelError
from gemma_mlx.models.config import ModelConfig, parameter_shapes
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights.headers import parameter_name

_FLOAT_FORMATS = {"mxfp4": (4, 32), "mxfp8": (8, 32), "nvfp4": (4, 16)}
_AFFINE_BITS, _AFFINE_GROUPS = (2, 3, 4, 5, 6, 8), (32, 64, 128)
QUANTIZED_FROM = "quantized_from"
"""config.json's name for the fingerprint of the model that a quantized one was made from."""
EMBEDDING_MODULES = ("model.embed_tokens", "lm_head")


@dataclass(frozen=True)
class Scheme:
    """One format: its mode, bits per weight and weights per scale."""

    mode: str = "affine"
    bits: int = 4
    group_size: int = 64

    @property
    def name(self) -> str:
        """As people call it."""
        return f"{self.bits} bit, groups of {self.group_size}" if self.mode == "affine" else self.mode

    def shapes(self, rows: int, columns: int) -> dict[str, tuple[int, int]]:
        """Shapes of the parts of a (rows, columns) weight: packed 32-bit words, scales, affine's biases."""
        scales = (rows, columns // self.group_size)
        shapes = {"weight": (rows, columns * self.bits // 32), "scales": scales}
        return shapes | {"biases": scales} if self.mode == "affine" else shapes

    def bytes(self, rows: int, columns: int, scale_bytes: int = 2) -> int:
        """Bytes of a (rows, columns) weight. Affine scales and biases take `scale_bytes` each, others one."""
        parts = self.shapes(rows, columns)
        per_scale = 2 * scale_bytes if self.mode == "affine" else 1
        return math.prod(parts["weight"]) * 4 + math.prod(parts["scales"]) * per_scale

    @classmethod
    def from_shapes(cls, columns: int, packed: int, scales: int, *, byte_scales: bool) -> Scheme | None:
        """The scheme that `packed` words and `scales` a row of `columns` weights mean; None: none does."""
        if not scales or not columns or columns % scales or packed * 32 % columns:
            return None
        group, bits = columns // scales, packed * 32 // columns
        if byte_scales:
            named = (mode for mode, numbers in _FLOAT_FORMATS.items() if numbers == (bits, group))
            return next((cls(mode, bits, group) for mode in named), None)
        known = bits in _AFFINE_BITS and group in _AFFINE_GROUPS
        return cls("affine", bits, group) if known else None

    def as_dict(self) -> dict[str, Any]:
        return {"group_size": self.group_size, "bits": self.bits, "mode": self.mode}


@dataclass(frozen=True)
class StoredQuantization:
    """What config.json says of quantization. `method`: "mlx" or "bitsandbytes" (NF4 and FP4).

    `overrides` holds the schemes of single modules; None there means left in full width.
    """

    method: str
    default: Scheme = Scheme()
    overrides: dict[str, Scheme | None] = field(default_factory=dict)

    def scheme(self, path: str) -> Scheme | None:
        """The scheme of the module at this path, if its tensors are there in quantized form."""
        return self.overrides.get(path, self.default)

    @property
    def name(self) -> str:
        """As people call it."""
        return self.default.name if self.method == "mlx" else "bitsandbytes 4 bit"


def quantization_of(raw: dict[str, Any], where: str = "config.json") -> StoredQuantization | None:
    """What a parsed config.json says of quantization; None for full width.

    Raises:
        ModelError: a method or numbers that this program does not read.
    """
    text = raw.get("text_config")
    text = text if isinstance(text, dict) else {}
    named = ((part, key) for part in (raw, text) for key in ("quantization", "quantization_config"))
    table, key = next(((part[key], key) for part, key in named if part.get(key)), (None, ""))
    if table is None:
        return None
    where = f"{where}, field {key}"
    if not isinstance(table, dict):
        raise _unknown(f"{table!r} is not an object", where)
    method = table.get("quant_method")
    if method == "bitsandbytes":
        if table.get("load_in_8bit"):
            raise ModelError(
                "int8-checkpoint", "The weights are bitsandbytes' 8-bit integers, which are not read here.",
                where=where, fix="Take the 16-bit model and quantize it here, or its 4-bit (NF4) form.",
            )  # fmt: skip
        return StoredQuantization("bitsandbytes")
    if "group_size" not in table or "bits" not in table or (method is not None and key != "quantization"):
        raise _unknown(f"the method {method!r} is not known here", where)
    overrides: dict[str, Scheme | None] = {}
    for name, entry in table.items():
        if isinstance(entry, dict):
            overrides[_module_path(name)] = _scheme({"mode": "affine", **entry}, f"{where}, {name}")
        elif entry is False:
            overrides[_module_path(name)] = None
    return StoredQuantization("mlx", _scheme(table, where), overrides)


def scheme_of(settings: QuantizeSettings) -> Scheme:
    """The scheme that settings ask for, embeddings apart."""
    return Scheme(settings.mode, settings.bits, settings.group_size)


@dataclass(frozen=True)
class Planned:
    """What becomes of one module's weight: its scheme, or None for full width and why."""

    path: str
    shape: tuple[int, int]
    scheme: Scheme | None
    note: str = ""


def plan_quantization(config: ModelConfig, settings: QuantizeSettings) -> dict[str, Planned]:
    """What becomes of every linear module and embedding of a model, by module path."""
    default = scheme_of(settings)
    embedding: Scheme | None = default
    if settings.embedding_bits == 16:
        embedding = None
    elif settings.embedding_bits is not None:
        embedding = Scheme("affine", settings.embedding_bits, max(settings.group_size, 32))
    plan = {}
    for name, shape in parameter_shapes(config).items():
        if len(shape) != 2:
            continue
        path = name.removesuffix(".weight")
        rows, columns = shape
        scheme = embedding if path in EMBEDDING_MODULES else default
        note = ""
        if scheme is not None and columns % scheme.group_size:
            note = f"{path} stays in full width: its {columns} columns are no multiple of {scheme.group_size}"
            scheme = None
        plan[path] = Planned(path, (rows, columns), scheme, note)
    return plan


def quantization_field(config: ModelConfig, settings: QuantizeSettings) -> dict[str, Any]:
    """The "quantization" object of config.json for a model quantized by these settings."""
    default = scheme_of(settings)
    table = default.as_dict()
    for planned in plan_quantization(config, settings).values():
        if planned.scheme is None:
            table[planned.path] = False
        elif planned.scheme != default:
            table[planned.path] = planned.scheme.as_dict()
    return table


def _scheme(table: dict[str, Any], where: str) -> Scheme:
    mode, bits, group = table.get("mode", "affine"), table.get("bits"), table.get("group_size")
    if table.get("global_scale"):
        raise _unknown("a scale per tensor (global_scale) is not known here", where)
    if isinstance(mode, str) and mode in _FLOAT_FORMATS:
        if (bits, group) != _FLOAT_FORMATS[mode]:
            raise _unknown(f"{mode} has no form with {bits!r} bits and groups of {group!r}", where)
    elif mode != "affine" or bits not in _AFFINE_BITS or group not in _AFFINE_GROUPS:
        raise _unknown(f"mode {mode!r} with {bits!r} bits and groups of {group!r} is not known here", where)
    return Scheme(str(mode), int(bits), int(group))  # type: ignore[arg-type]


def _module_path(name: str) -> str:
    return (parameter_name(f"{name}.weight") or f"{name}.weight").removesuffix(".weight")


def _unknown(why: str, where: str) -> ModelError:
    return ModelError(
        "unknown-quantization", f"These weights are quantized in a way that is not read here: {why}.",
        where=where, fix="Take the 16-bit model and quantize it here, or one in MLX's format.",
    )  # fmt: skip
