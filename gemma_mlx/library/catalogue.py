"""The Gemma models that the program offers, with sizes worked out from their shapes, not written down.

The file `resources/catalogue.json` names repositories and shapes. What a repository really holds, to the
byte, the Hub says when the download begins.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from gemma_mlx.library.resources import resource
from gemma_mlx.library.store import read_json

_GROUP = 64  # weights that share a scale and a bias of 16 bit each, as mlx-community quantizes


@dataclass(frozen=True)
class Offer:
    """A model to download. `bits`: 16, or those of its quantized weights. Sizes in bytes.

    `size` counts the weights of the files, a vision tower too; `memory` the text decoder's weights, which is
    what chatting takes besides the cache. Both are worked out. `gated`: a licence is to be accepted first.
    """

    repository: str
    generation: str
    chat: bool
    bits: int
    parameters: int
    size: int
    memory: int
    licence: str
    gated: bool

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def read_catalogue() -> list[Offer]:
    """The models in the order in which they are shown.

    Raises:
        GemmaError: the file did not come with the program.
    """
    catalogue = read_json(resource("catalogue.json"))
    return [_offer(entry, catalogue["shapes"][entry["shape"]]) for entry in catalogue["models"]]


def _offer(entry: dict[str, Any], shape: dict[str, Any]) -> Offer:
    bits = entry.get("bits", 16)
    matrices, norms = _weights(shape)
    # Quantized: each group has 32 bits of scale and bias beside its weights.
    memory = matrices * bits // 8 + (matrices // _GROUP * 4 if bits < 16 else 0) + 2 * norms
    vision = _vision_weights(shape["hidden_size"]) if shape.get("vision") else 0
    official = entry["repository"].startswith("google/")
    return Offer(
        entry["repository"], shape["generation"], bool(entry.get("chat")), bits, matrices + norms,
        memory + 2 * vision, memory, "gemma", official,
    )  # fmt: skip


def _weights(shape: dict[str, Any]) -> tuple[int, int]:
    """Weights of the text decoder: those in matrices (the embedding too) and those in norms."""
    hidden, head = shape["hidden_size"], shape["head_dim"]
    queries, keys = shape["num_attention_heads"] * head, shape["num_key_value_heads"] * head
    layer = hidden * (2 * queries + 2 * keys + 3 * shape["intermediate_size"])
    norms = {
        "Gemma 1": 2 * hidden,
        "Gemma 2": 4 * hidden,
        "Gemma 3": 4 * hidden + 2 * head,
    }[shape["generation"]]
    layers = shape["num_hidden_layers"]
    return shape["vocab_size"] * hidden + layers * layer, layers * norms + hidden


def _vision_weights(hidden: int) -> int:
    """Gemma 3's image encoder (SigLIP, 27 layers of width 1152, patches of 14) and its projector."""
    width, inner, patches = 1152, 4304, 64 * 64
    attention = 4 * (width * width + width)
    layer = attention + 2 * width * inner + inner + width + 4 * width
    embeddings = 3 * 14 * 14 * width + width + patches * width
    return 27 * layer + embeddings + 2 * width + width * hidden + width
