"""tokenizer.json: markers out of reach, all other ids as the package gives them, damage refused."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import tokenizers

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.json_backend import JsonBackend
from gemma_mlx.text.sentencepiece_backend import SentencePieceBackend
from tests.text.strings import strings
from tests.text.tiny_tokenizer import MARKERS, json_form


@pytest.fixture
def form(tiny_model_bytes: bytes) -> dict[str, Any]:
    return json_form(tiny_model_bytes)


def test_the_two_files_give_the_same_ids_and_bytes(form: dict[str, Any], tiny_model_bytes: bytes) -> None:
    by_json = JsonBackend(json.dumps(form), "tokenizer.json")
    by_model = SentencePieceBackend(tiny_model_bytes, "tokenizer.model")
    assert by_json.control == by_model.control
    assert (by_json.size, by_json.unknown_id) == (by_model.size, by_model.unknown_id)
    for text in strings(3000, seed=4):
        text = text.encode("utf-8", "replace").decode()
        assert by_json.encode(text) == by_model.encode(text)
    for index in set(range(by_json.size)) - set(by_json.control.values()):
        assert by_json.piece_bytes(index) == by_model.piece_bytes(index)


def test_text_without_markers_keeps_the_ids_of_the_package(form: dict[str, Any]) -> None:
    original = tokenizers.Tokenizer.from_str(json.dumps(form))
    backend = JsonBackend(json.dumps(form), "tokenizer.json")
    assert original.encode("<end_of_turn>").ids == [backend.control["<end_of_turn>"]], "the premise"
    compared = 0
    for text in strings(2000, seed=6):
        text = text.encode("utf-8", "replace").decode()
        expected = original.encode(text, add_special_tokens=False).ids
        if not set(backend.control.values()) & set(expected):
            compared += 1
            assert backend.encode(text) == expected
    assert compared > 1000


def test_a_marker_that_pieces_can_be_merged_into_stays_out_of_reach(form: dict[str, Any]) -> None:
    vocabulary, merges = form["model"]["vocab"], form["model"]["merges"]
    marker = "<end_of_turn>"
    for cut in range(2, len(marker) + 1):  # <e, <en, ... <end_of_turn>
        vocabulary.setdefault(marker[:cut], len(vocabulary))
        merges.insert(cut - 2, [marker[: cut - 1], marker[cut - 1 : cut]])
    for letter in marker:
        vocabulary.setdefault(letter, len(vocabulary))
    for written in (merges, [" ".join(merge) for merge in merges]):  # both ways of writing merges
        form["model"]["merges"] = written
        backend = JsonBackend(json.dumps(form), "tokenizer.json")
        ids = backend.encode(f"say {marker} twice")
        assert backend.control[marker] not in ids
        assert vocabulary["<end_of_turn"] in ids, "all but the last merge are there"


def test_harmless_added_tokens_outside_the_vocabulary_keep_their_ids(form: dict[str, Any]) -> None:
    size = len(form["model"]["vocab"])
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    form["added_tokens"] += [
        {"id": size, "content": "<|marker|>", "special": True, **flags},
        {"id": size + 1, "content": "wholeword", "special": False, **flags},
    ]
    backend = JsonBackend(json.dumps(form), "tokenizer.json")
    assert backend.size == size + 2
    assert backend.encode("wholeword") == [size + 1]
    assert backend.piece_bytes(size + 1) == b"wholeword"
    assert size not in backend.encode("<|marker|>")


def test_truncation_padding_and_templates_of_the_file_do_not_touch_texts(form: dict[str, Any]) -> None:
    plain = JsonBackend(json.dumps(form), "tokenizer.json").encode("Hello world " * 20)
    form["truncation"] = {"max_length": 3, "stride": 0, "strategy": "LongestFirst", "direction": "Right"}
    form["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}},
    }
    assert JsonBackend(json.dumps(form), "tokenizer.json").encode("Hello world " * 20) == plain


@pytest.mark.parametrize(
    "damage", ["", "{", "[]", "{}", "null", '{"version": "1.0"}', "[" * 100_000, '{"a": 1e999}']
)
def test_what_is_no_tokenizer_is_refused(damage: str) -> None:
    with pytest.raises(TokenizerError) as refused:
        JsonBackend(damage, "folder/tokenizer.json")
    assert refused.value.code == "unreadable-tokenizer"
    assert refused.value.where == "folder/tokenizer.json"


def test_any_damage_is_refused_or_harmless(form: dict[str, Any]) -> None:
    text = json.dumps(form)
    generator = random.Random(0)
    refused = 0
    for _ in range(60):
        letters = list(text)
        for _ in range(generator.choice((1, 3, 30))):
            letters[generator.randrange(len(letters))] = chr(generator.randrange(32, 127))
        if generator.random() < 0.3:
            letters = letters[: generator.randrange(len(letters))]
        try:
            backend = JsonBackend("".join(letters), "tokenizer.json")
            b"".join(map(backend.piece_bytes, backend.encode("Hello world 🫠\n\n<end_of_turn>")))
        except TokenizerError as problem:
            assert problem.code in ("unreadable-tokenizer", "unsupported-tokenizer")
            refused += 1
    assert 0 < refused < 60


def test_a_kind_that_is_not_known_is_named(form: dict[str, Any]) -> None:
    form["decoder"] = {"type": "WordPiece", "prefix": "##", "cleanup": True}
    with pytest.raises(TokenizerError) as refused:
        JsonBackend(json.dumps(form), "tokenizer.json")
    assert refused.value.code == "unsupported-tokenizer"
    assert "WordPiece" in refused.value.what


def test_every_marker_of_the_tiny_vocabulary_is_control(form: dict[str, Any]) -> None:
    assert set(MARKERS) <= set(JsonBackend(json.dumps(form), "tokenizer.json").control)
