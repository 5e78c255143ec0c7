"""Small tokenizers made on the spot: a SentencePiece model, the same as JSON, and a byte-level one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sentencepiece
import tokenizers

from tests.text.strings import strings

MARKERS = ("<start_of_turn>", "<end_of_turn>", "<unused0>", "<unused7>", "[@BOS@]")
HARMLESS = ("\n", "\n\n", "\n\n\n", "▁▁", "▁▁▁", "▁▁▁▁", "\t\t", "<b>", "</b>", "<table>", "<code>")

_CORPUS = [text for text in strings(1500, seed=5) if text.isprintable() and not {*"<["} & {*text}]
_CORPUS += [
    "start_of_turn> end_of_turn user model system",
    "bos> eos> unused",
    "You are a helpful assistant.",
] * 20


def sentencepiece_model(
    *, byte_fallback: bool = True, size: int = 900, sentences: Iterable[str] = _CORPUS, **options: Any
) -> bytes:
    """A tokenizer.model in Gemma's manner: BPE, no dummy prefix, blanks kept, markers as user-defined ones.

    `options` go to the trainer: other places of the control ids, a dummy prefix and so on.
    """
    writer = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=writer,
        model_type="bpe",
        vocab_size=size,
        minloglevel=3,
        hard_vocab_limit=False,
        **{
            "byte_fallback": byte_fallback,
            "normalization_rule_name": "identity",
            "add_dummy_prefix": False,
            "remove_extra_whitespaces": False,
            "split_digits": True,
            "character_coverage": 0.98,
            "user_defined_symbols": [*MARKERS, *HARMLESS],
            "pad_id": 0,
            "eos_id": 1,
            "bos_id": 2,
            "unk_id": 3,
            "pad_piece": "<pad>",
            "eos_piece": "<eos>",
            "bos_piece": "<bos>",
            **options,
        },
    )
    return writer.getvalue()


def json_form(model: bytes) -> dict[str, Any]:
    """The same vocabulary as tokenizer.json, in the shape of the one that Gemma 2 is published with."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    pieces = [processor.id_to_piece(index) for index in range(processor.get_piece_size())]
    vocabulary = {piece: index for index, piece in enumerate(pieces)}
    fixed = {*MARKERS, *HARMLESS}
    special = {piece for index, piece in enumerate(pieces) if processor.is_control(index)} | {"<unk>"}
    learned = [
        piece
        for index, piece in enumerate(pieces)
        if not (piece in fixed or piece in special or processor.is_byte(index)) or set(piece) == {"▁"}
    ]
    # Runs of blanks are merged first and longest first, as sentencepiece matches them.
    learned.sort(key=lambda piece: (0, -len(piece)) if piece in fixed else (1, vocabulary[piece]))
    merges = [
        [piece[:cut], piece[cut:]]
        for piece in learned
        for cut in range(1, len(piece))
        if piece[:cut] in learned and piece[cut:] in learned
    ]
    byte_fallback = "<0x00>" in vocabulary
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": index,
                "content": piece,
                "special": piece in special or piece.endswith("_turn>"),
                **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False),
            }
            for index, piece in enumerate(pieces)
            if piece in special or piece in fixed
        ],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": byte_fallback,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": merges,
        },
    }


def write_model(folder: Path, **options: Any) -> Path:
    """A folder with tokenizer.model alone."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.model").write_bytes(sentencepiece_model(**options))
    return folder


def write_json(folder: Path, form: dict[str, Any], settings: dict[str, Any] | None = None) -> Path:
    """A folder with tokenizer.json and, if `settings` are given, tokenizer_config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(form), encoding="utf-8")
    if settings is not None:
        (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


QWEN_MARKERS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")

QWEN_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}"
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""Qwen2's published template."""


def write_qwen(folder: Path, template: str | None = QWEN_TEMPLATE) -> Path:
    """A byte-level tokenizer with Qwen2's markers (beside the vocabulary, as there) and template."""
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=700,
        show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(_CORPUS, trainer)
    tokenizer.add_special_tokens(list(QWEN_MARKERS))
    settings = {
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "bos_token": None,
        "add_bos_token": False,
    }
    if template is not None:
        settings["chat_template"] = template
    return write_json(folder, json.loads(tokenizer.to_str()), settings)
