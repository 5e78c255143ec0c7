"""Quantizing in place and to disk; mlx-lm reads our folders and we read mlx-lm's, weight for weight."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

from gemma_mlx.errors import GemmaError, ModelError
from gemma_mlx.events import Done, Event, Progress, Warning
from gemma_mlx.load import load_model
from gemma_mlx.models.config import parse_config, read_config
from gemma_mlx.models.decoder import Decoder
from gemma_mlx.settings import QuantizeSettings
from gemma_mlx.weights import quantize
from gemma_mlx.weights.files import read_weights
from gemma_mlx.weights.quantize import (
    apply_quantized_layout,
    quantization_preview,
    quantize_model,
    save_quantized,
)
from tests.tiny import tiny_config, write_tiny_model
from tests.weights.bitsandbytes_files import write_nf4_model

EVERY = [
    *(QuantizeSettings(bits=bits, group_size=64) for bits in (2, 3, 4, 5, 6, 8)),
    QuantizeSettings(bits=4, group_size=32),
    QuantizeSettings(bits=4, group_size=128),
    QuantizeSettings(bits=4, group_size=32, embedding_bits=8),
    QuantizeSettings(bits=4, group_size=64, embedding_bits=16),
    QuantizeSettings(mode="mxfp4"),
    QuantizeSettings(mode="mxfp8"),
    QuantizeSettings(mode="nvfp4"),
    QuantizeSettings(mode="nvfp4", embedding_bits=6),
]
IDS = mx.array([[2, 300, 7, 44, 501, 9, 120, 3]])


def _name(settings: QuantizeSettings) -> str:
    return f"{settings.mode}-{settings.bits}-{settings.group_size}-{settings.embedding_bits}"


def _relative(ours: mx.array, other: mx.array) -> float:
    ours, other = ours.astype(mx.float32), other.astype(mx.float32)
    return float(mx.linalg.norm(ours - other)) / float(mx.linalg.norm(other))


def _parameters(model: nn.Module) -> dict[str, mx.array]:
    return {name: array for name, array in tree_flatten(model.parameters()) if array is not None}


def _done(events: Iterator[Event] | list[Event]) -> Done:
    last = list(events)[-1]
    assert isinstance(last, Done)
    return last


def _save(source: Path, target: Path, settings: QuantizeSettings | None = None) -> Path:
    _done(save_quantized(source, target, settings or QuantizeSettings(group_size=32)))
    return target


@pytest.mark.parametrize("settings", EVERY, ids=_name)
def test_disk_and_load_and_place_agree_and_the_preview_was_right(
    tmp_path: Path, settings: QuantizeSettings
) -> None:
    source = write_tiny_model(tmp_path / "source", hidden_size=128, head_dim=32, intermediate_size=256)
    at_load = load_model(source, quantization=settings)
    in_place = load_model(source, dtype="bfloat16").model
    reports = quantize_model(in_place, settings)
    events = list(save_quantized(source, tmp_path / "target", settings))
    from_disk = load_model(tmp_path / "target")

    expected = _parameters(at_load.model)
    for other in (in_place, from_disk.model):
        found = _parameters(other)
        assert found.keys() == expected.keys()
        assert all(mx.array_equal(found[name], expected[name]) for name in expected)
    logits = at_load.model(IDS)
    assert logits.dtype == mx.bfloat16
    assert mx.array_equal(from_disk.model(IDS), logits)
    assert mx.array_equal(in_place(IDS), logits)

    preview = quantization_preview(at_load.config, settings)
    assert preview.bytes_after == sum(array.nbytes for array in expected.values())
    assert _done(events).result["bytes"] == preview.bytes_after
    assert {report.path: report.bytes for report in reports} == {
        report.path: report.bytes for report in preview.modules
    }


@pytest.mark.parametrize("settings", EVERY, ids=_name)
def test_a_quantized_model_equals_its_own_dequantized_weights(
    tmp_path: Path, settings: QuantizeSettings
) -> None:
    """REFERENCE.md: 1e-5 in fp32 against the model's own dequantized weights."""
    source = write_tiny_model(tmp_path / "source", hidden_size=128, head_dim=32, intermediate_size=256)
    quantized = load_model(source, quantization=settings, dtype="float32").model
    dense = load_model(source, dtype="float32").model
    for path, module in quantized.named_modules():
        if not isinstance(module, nn.QuantizedLinear | nn.QuantizedEmbedding):
            continue
        weight = mx.dequantize(
            module.weight, module.scales, module.get("biases"), module.group_size, module.bits,
            mode=module.mode, dtype=mx.float32,
        )  # fmt: skip
        quantize.module_at(dense, path).weight = weight
    logits = quantized(IDS)
    assert logits.dtype == mx.float32
    assert _relative(logits, dense(IDS)) < 1e-5


@pytest.mark.parametrize("generation", ["gemma", "gemma2", "gemma3_text", "gemma3"])
def test_names_stay_and_the_tied_head_is_quantized(tmp_path: Path, generation: str) -> None:
    folder = write_tiny_model(tmp_path, generation)
    model = load_model(folder, quantization=QuantizeSettings(bits=8)).model
    assert isinstance(model.model.embed_tokens, nn.QuantizedEmbedding)
    plain = {name.rpartition(".")[0] for name in _parameters(load_model(folder).model)}
    assert {name.rpartition(".")[0] for name in _parameters(model)} == plain
    exact = load_model(folder).model(IDS)
    assert _relative(model(IDS), exact) < 0.05


def test_an_untied_head_and_biases(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path / "source", tie_word_embeddings=False, attention_bias=True)
    settings = QuantizeSettings(bits=8, group_size=32)
    model = load_model(folder, quantization=settings).model
    assert isinstance(model.lm_head, nn.QuantizedLinear)
    assert "bias" in model.model.layers[0].self_attn.q_proj
    assert _relative(model(IDS), load_model(folder).model(IDS)) < 0.05
    again = load_model(_save(folder, tmp_path / "target", settings)).model
    assert mx.array_equal(again(IDS), model(IDS))


def test_what_no_group_divides_is_noted_and_left(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source", intermediate_size=96)
    events = list(save_quantized(source, tmp_path / "target", QuantizeSettings(group_size=64)))
    notes = [event.what for event in events if isinstance(event, Warning)]
    assert len(notes) == 4
    assert "model.layers.0.mlp.down_proj" in notes[0]
    raw = json.loads((tmp_path / "target" / "config.json").read_text())
    assert raw["quantization"]["model.layers.0.mlp.down_proj"] is False
    model = load_model(tmp_path / "target").model
    assert type(model.model.layers[0].mlp.down_proj) is nn.Linear
    assert isinstance(model.model.layers[0].mlp.up_proj, nn.QuantizedLinear)
    assert quantization_preview(read_config(source), QuantizeSettings()).notes


def test_events_tell_the_progress_and_the_errors(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source", tokenizer=True)
    events = list(save_quantized(source, tmp_path / "target", QuantizeSettings(bits=4)))
    steps = [event for event in events if isinstance(event, Progress)]
    assert [step.done for step in steps] == list(range(1, steps[0].total + 1))
    modules = _done(events).result["modules"]
    assert len(modules) == 4 * 7 + 1
    assert all(0.06 < module["error"] < 0.12 for module in modules)
    json.dumps(_done(events).as_dict())
    assert (tmp_path / "target" / "tokenizer.model").exists()


def test_reports_measure_where_asked(tmp_path: Path) -> None:
    folder = write_tiny_model(tmp_path)
    reports = quantize_model(load_model(folder).model, QuantizeSettings(bits=2), measure=True)
    assert all(report.error is not None and 0.2 < report.error < 0.6 for report in reports)


def test_stopping_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    events = save_quantized(source, tmp_path / "target", QuantizeSettings())
    next(events)
    next(events)
    events.close()  # type: ignore[attr-defined]
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_target_that_exists_is_kept(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    with pytest.raises(GemmaError) as caught:
        list(save_quantized(source, source, QuantizeSettings()))
    assert caught.value.code == "folder-exists"
    assert load_model(source)


def test_a_disk_that_is_too_small_is_known_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_tiny_model(tmp_path / "source")

    class Usage:
        free = 1000

    monkeypatch.setattr(quantize.shutil, "disk_usage", lambda path: Usage)
    with pytest.raises(GemmaError) as caught:
        next(save_quantized(source, tmp_path / "deep" / "target", QuantizeSettings()))
    assert caught.value.code == "disk-full"
    assert not (tmp_path / "deep").exists()


def test_a_quantized_source_is_refused(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    once = _save(source, tmp_path / "once")
    with pytest.raises(ModelError) as caught:
        list(save_quantized(once, tmp_path / "twice", QuantizeSettings(bits=8)))
    assert caught.value.code == "already-quantized"
    assert not (tmp_path / "twice").exists()


@pytest.mark.parametrize(("bits", "warned"), [(4, True), (8, False)])
def test_nf4_again_to_few_bits_warns(tmp_path: Path, bits: Any, warned: bool) -> None:
    source, _ = write_nf4_model(tmp_path / "source")
    events = list(save_quantized(source, tmp_path / "target", QuantizeSettings(bits=bits)))
    assert any(isinstance(event, Warning) and event.code == "requantized" for event in events) == warned
    raw = json.loads((tmp_path / "target" / "config.json").read_text())
    assert raw["quantization_config"] == {"group_size": 64, "bits": bits, "mode": "affine"}
    load_model(tmp_path / "target")


def test_the_checkpoints_layout_is_applied_to_a_decoder(tmp_path: Path) -> None:
    source = write_tiny_model(tmp_path / "source")
    folder = _save(source, tmp_path / "target", QuantizeSettings(group_size=32, embedding_bits=16))
    config = read_config(folder)
    weights = read_weights(folder, config)
    decoder = Decoder(config)
    apply_quantized_layout(decoder, weights, config)
    decoder.load_weights(list(weights.items()))
    assert mx.array_equal(decoder(IDS), load_model(folder).model(IDS))


def test_preview_of_the_published_sizes() -> None:
    """Gemma 2 2B: 2.6 billion weights; 4 bit in groups of 64 are 4.5 bits a weight."""
    fields: dict[str, Any] = {
        "vocab_size": 256_000, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
        "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
    }  # fmt: skip
    config = parse_config(tiny_config("gemma2", **fields), "test")
    preview = quantization_preview(config, QuantizeSettings())
    assert preview.bytes_before == pytest.approx(5.23e9, rel=0.01)
    assert preview.bits_per_weight == pytest.approx(4.5, abs=0.01)
    assert preview.bytes_after == pytest.approx(5.23e9 * 4.5 / 16, rel=0.01)
    wide = quantization_preview(config, QuantizeSettings(embedding_bits=16))
    assert wide.bytes_after - preview.bytes_after == pytest.approx(256_000 * 2304 * 11.5 / 8, rel=0.01)
    json.dumps(preview.as_dict())


# mlx-lm as the other reader. Its import takes seconds, so these stand together.

PAIRS = [("gemma2", "hub"), ("gemma3_text", "hub"), ("gemma3_text", "transformers5"), ("gemma3", "hub")]


def _dense(model: nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """Every weight in full width, by name."""
    dense = {}
    for path, module in model.named_modules():
        if "weight" not in module:
            continue
        weight = module.weight
        if "scales" in module:
            weight = mx.dequantize(
                weight, module.scales, module.get("biases"), module.group_size, module.bits, mode=module.mode
            )
        dense[path.removeprefix(prefix)] = np.array(weight.astype(mx.float32))
    return dense


def _same_weights(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> None:
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(
    ("settings", "generation", "dialect"),
    [
        *((settings, "gemma3_text", "hub") for settings in EVERY if settings.group_size < 128),
        *((EVERY[8], generation, dialect) for generation, dialect in PAIRS),
    ],
)
def test_mlx_lm_reads_our_folder(
    tmp_path: Path, settings: QuantizeSettings, generation: str, dialect: str
) -> None:
    mlx_lm = pytest.importorskip("mlx_lm.utils")
    source = write_tiny_model(tmp_path / "source", generation, dialect=dialect, intermediate_size=192)
    folder = _save(source, tmp_path / "target", settings)
    theirs, _ = mlx_lm.load_model(folder)
    ours = load_model(folder).model
    _same_weights(_dense(ours), _dense(theirs))
    # Inside the window mlx-lm deviates only by its rounding (REFERENCE.md), so this proves the settings.
    assert _relative(ours(IDS), theirs(IDS)) < 0.06


@pytest.mark.parametrize(
    ("options", "generation", "dialect"),
    [
        *(({"q_bits": 4, "q_group_size": 32}, generation, dialect) for generation, dialect in PAIRS),
        ({"q_mode": "mxfp4"}, "gemma3_text", "hub"),
        ({"q_bits": 3}, "gemma2", "hub"),
    ],
)
def test_we_read_what_mlx_lm_converts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, Any], generation: str, dialect: str
) -> None:
    convert = pytest.importorskip("mlx_lm.convert").convert
    mlx_lm = pytest.importorskip("mlx_lm.utils")
    source = write_tiny_model(
        tmp_path / "source",
        generation,
        dialect=dialect,
        dtype="bfloat16",
        tokenizer=True,
        intermediate_size=192,
    )
    if generation == "gemma3":
        # mlx-lm looks for the vocabulary beside `text_config`, never in it.
        raw = json.loads((source / "config.json").read_text())
        (source / "config.json").write_text(json.dumps(raw | {"vocab_size": 512}))
    target = tmp_path / "converted"
    convert(str(source), str(target), quantize=True, **options)
    capsys.readouterr()
    theirs, _ = mlx_lm.load_model(target)
    loaded = load_model(target)
    _same_weights(_dense(loaded.model), _dense(theirs, "language_model."))
    assert loaded.model(IDS).dtype == mx.bfloat16
    assert not loaded.warnings


def test_we_read_mlx_lms_mixed_widths(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert = pytest.importorskip("mlx_lm.convert").convert
    mlx_lm = pytest.importorskip("mlx_lm.utils")
    source = write_tiny_model(tmp_path / "source", "gemma3_text", dtype="bfloat16", tokenizer=True)

    def predicate(path: str, module: nn.Module) -> bool | dict[str, Any]:
        if "down_proj" in path:
            return False
        return {"group_size": 32, "bits": 8} if "embed" in path else {"group_size": 64, "bits": 2}

    convert(str(source), str(tmp_path / "converted"), quantize=True, quant_predicate=predicate)
    capsys.readouterr()
    theirs, _ = mlx_lm.load_model(tmp_path / "converted")
    ours = load_model(tmp_path / "converted").model
    _same_weights(_dense(ours), _dense(theirs))
    assert ours.model.embed_tokens.bits == 8
