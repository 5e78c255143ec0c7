"""The demo model's SentencePiece vocabulary, trained on the world's words with Gemma's own conventions."""

from __future__ import annotations

import io
import json
import string
from collections.abc import Iterator
from pathlib import Path
from random import Random

import sentencepiece

from resources.demo.build.pirate import in_pirate_manner
from resources.demo.build.question import Turn
from resources.demo.build.world import draw_dialogue, enumerated

VOCABULARY = 1536
START_OF_TURN, END_OF_TURN = "<start_of_turn>", "<end_of_turn>"
# Gemma's pieces of user-defined text besides the control tokens: line breaks and runs of blanks.
_WHITESPACE = ("\n", "\n\n", "\n\n\n", "\t", "▁▁", "▁▁▁▁")

_CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{%- set instructions = messages[0].content | trim + '\\n\\n' if messages[0].role == 'system' else '' -%}"
    "{%- for message in (messages[1:] if messages[0].role == 'system' else messages) -%}"
    "{%- set role = 'model' if message.role == 'assistant' else message.role -%}"
    "{{ '<start_of_turn>' + role + '\\n' + (instructions if loop.first else '')"
    " + message.content | trim + '<end_of_turn>\\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\\n' }}{%- endif -%}"
)


def train_tokenizer(folder: Path, seed: int = 0) -> None:
    """Writes tokenizer.model and tokenizer_config.json into a folder: BPE with bytes, digits one by one."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=_sentences(seed), model_writer=model, model_type="bpe", vocab_size=VOCABULARY,
        pad_id=0, eos_id=1, bos_id=2, unk_id=3, pad_piece="<pad>", eos_piece="<eos>", bos_piece="<bos>",
        unk_piece="<unk>", user_defined_symbols=[START_OF_TURN, END_OF_TURN, *_WHITESPACE],
        byte_fallback=True, split_digits=True, normalization_rule_name="identity", add_dummy_prefix=False,
        remove_extra_whitespaces=False, character_coverage=1.0, num_threads=1, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    names = ["<pad>", "<eos>", "<bos>", "<unk>", START_OF_TURN, END_OF_TURN]
    config = {
        "add_bos_token": True,
        "add_eos_token": False,
        "added_tokens_decoder": {
            str(index): {"content": name, "lstrip": False, "normalized": False, "rstrip": False,
                         "single_word": False, "special": True}
            for index, name in enumerate(names)
        },
        "additional_special_tokens": [START_OF_TURN, END_OF_TURN],
        "bos_token": "<bos>",
        "chat_template": _CHAT_TEMPLATE,
        "clean_up_tokenization_spaces": False,
        "eos_token": "<eos>",
        "model_max_length": 1024,
        "pad_token": "<pad>",
        "sp_model_kwargs": {},
        "spaces_between_special_tokens": False,
        "tokenizer_class": "GemmaTokenizer",
        "unk_token": "<unk>",
        "use_default_system_prompt": False,
    }  # fmt: skip
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _sentences(seed: int) -> Iterator[str]:
    """What the pieces are learned from: the world's texts, each entity often enough to be seen."""
    random = Random(seed)
    # Every printable character is a piece, so that ordinary text rarely falls back to bytes.
    yield from (character for character in string.printable.strip() for _ in range(50))
    for questions in enumerated()[0].values():
        for question in random.sample(questions, min(len(questions), 400)):
            yield question.text
            yield question.answer
            yield in_pirate_manner(question.answer, seed=0)
    for _ in range(10_000):
        for turn in draw_dialogue(random).turns():
            yield from turn.content.split("\n")
    yield from ("user", "model") * 200


class DialogueEncoder:
    """Dialogues to ids in Gemma's chat form, with the tokens that carry loss. For the build alone."""

    def __init__(self, folder: Path) -> None:
        self.pieces = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
        self.start, self.end = (self.pieces.piece_to_id(name) for name in (START_OF_TURN, END_OF_TURN))
        self.newline = self.pieces.piece_to_id("\n")
        self.roles = {"user": self.pieces.encode("user"), "assistant": self.pieces.encode("model")}

    def prompt(self, turns: tuple[Turn, ...]) -> list[int]:
        """ids up to where the model's answer begins; the last turn is the user's."""
        ids, _ = self.dialogue(turns)
        return [*ids, self.start, *self.roles["assistant"], self.newline]

    def dialogue(self, turns: tuple[Turn, ...]) -> tuple[list[int], list[bool]]:
        """ids of all turns, and which of them are the assistant's words or their closing token."""
        ids, answers = [self.pieces.bos_id()], [False]
        for turn in turns:
            opening = [self.start, *self.roles[turn.role], self.newline]
            words = [*self.pieces.encode(turn.content), self.end]
            ids += [*opening, *words, self.newline]
            answers += [False] * len(opening) + [turn.role == "assistant"] * len(words) + [False]
        return ids, answers

    def text(self, ids: list[int]) -> str:
        """The words of an answer's ids, up to its closing token."""
        ends = [ids.index(token) for token in (self.end, self.pieces.eos_id()) if token in ids]
        return str(self.pieces.decode(ids[: min(ends)] if ends else ids))
