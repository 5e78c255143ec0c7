"""Text to ids and back, from tokenizer.model or tokenizer.json, with the same ids from both.

Control tokens come only from us. A marker such as `<end_of_turn>` in a text is encoded from ordinary pieces,
as if the marker were not in the vocabulary; harmless text gets the ids of the published tokenizer.

Where a folder has both files, tokenizer.model is read: it is the original and loads in a tenth of the time.
tokenizer.json is read where it knows ordinary tokens that tokenizer.model lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from gemma_mlx.errors import TokenizerError
from gemma_mlx.text.folder import (
    SETTINGS_FILE,
    TEMPLATE_FILES,
    read_bytes,
    read_chat_template,
    read_declared_tokens,
    read_end_ids,
    read_object,
    read_special_tokens,
    read_text,
)
from gemma_mlx.text.json_backend import JsonBackend
from gemma_mlx.text.sentencepiece_backend import SentencePieceBackend
from gemma_mlx.text.stream import TokenStream

_UNKNOWN_TEXT = " ⁇ ".encode()  # what sentencepiece shows for the unknown id
_DEFAULT_NAMES = {"bos": ("<bos>", "<s>"), "eos": ("<eos>", "</s>"), "pad": ("<pad>",)}


class VocabularyOfModel(Protocol):
    """What a tokenizer has to know of a model; `models.config.ModelConfig` has it."""

    @property
    def vocab_size(self) -> int: ...

    @property
    def eos_token_ids(self) -> tuple[int, ...]: ...


class Backend(Protocol):
    """One of the two files, read. `encode` never yields an id of `control` (but for the unknown id)."""

    size: int
    control: dict[str, int]
    unknown_id: int | None
    bos_id: int | None
    eos_id: int | None
    pad_id: int | None
    strips_first_space: bool

    def encode(self, text: str) -> list[int]: ...

    def piece_id(self, spelling: str) -> int | None: ...

    def piece_bytes(self, index: int) -> bytes: ...


class Tokenizer:
    """Text to ids and back. Made by `load_tokenizer`.

    Attributes:
        vocab_size: number of ids that the tokenizer knows.
        bos_id, eos_id, pad_id: None where the vocabulary has no such token.
        end_ids: every id at which the model's turn or text ends.
        adds_bos: whether the checkpoint asks for a beginning-of-text token in front of every text.
        special_tokens: the names that chat templates use (`bos_token`, ...) to their spelling.
        chat_template: the checkpoint's own template (jinja2), None where it brings none.
        files: the files that decide ids and chats, the vocabulary first.
    """

    def __init__(
        self,
        backend: Backend,
        *,
        special_tokens: dict[str, str] | None = None,
        extra_control: dict[str, int] | None = None,
        limit: int | None = None,
        end_ids: Iterable[int] = (),
        adds_bos: bool = False,
        chat_template: str | None = None,
        files: Sequence[Path] = (),
    ) -> None:
        """
        Args:
            special_tokens: `bos_token` and its like from tokenizer_config.json.
            extra_control: control tokens that the folder declares beside the vocabulary, by spelling.
            limit: the model's vocabulary size; control ids at or above it are never used.
            end_ids: ids that end a turn beside the tokenizer's own.
        """
        self._backend = backend
        top = limit if limit is not None else max([backend.size, *(extra_control or {}).values()]) + 1
        self._control = {
            name: index
            for name, index in {**backend.control, **(extra_control or {})}.items()
            if 0 <= index < top
        }
        self._control_text = {index: name.encode() for name, index in self._control.items()}
        self._bytes: dict[int, bytes] = {}
        self.vocab_size = backend.size
        names = special_tokens or {}
        self.bos_id = self._special("bos", names)
        self.eos_id = self._special("eos", names)
        self.pad_id = self._special("pad", names)
        self.special_tokens = {
            **{
                f"{kind}_token": self._control_text[index].decode()
                for kind, index in (("bos", self.bos_id), ("eos", self.eos_id), ("pad", self.pad_id))
                if index in self._control_text
            },
            **names,
        }
        ends = {self.eos_id, self._control.get("<end_of_turn>"), *end_ids}
        self.end_ids = frozenset(index for index in ends if index is not None and 0 <= index < top)
        self.adds_bos = adds_bos
        self.chat_template = chat_template
        self.chat_form: object = None  # kept here by chat_template.py
        self.files = tuple(files)

    def encode(self, text: str, *, bos: bool = False) -> list[int]:
        """The ids of `text`, with the beginning-of-text id in front if `bos`.

        Markers in the text stay text. Lone surrogates, which no encoding can carry, become U+FFFD.
        """
        if not text.isascii():
            text = _without_lone_surrogates(text)
        ids = self._backend.encode(text)
        return [self.bos_id, *ids] if bos and self.bos_id is not None else ids

    def decode(self, ids: Iterable[int], *, keep_control: bool = False) -> str:
        """The text of `ids`; control tokens are left out, or spelled if `keep_control`."""
        stream = self.stream(keep_control=keep_control)
        return "".join([*(stream.push(index) for index in ids), stream.finish()])

    def stream(self, *, keep_control: bool = False) -> TokenStream:
        """A decoder for ids that come one by one; its texts joined equal `decode` of all ids."""
        return TokenStream(
            self._shown_bytes if keep_control else self._text_bytes, self._backend.strips_first_space
        )

    def control_id(self, name: str) -> int | None:
        """The id of a control token by its spelling, None where the vocabulary or the model lacks it."""
        return self._control.get(name)

    @property
    def control_tokens(self) -> dict[str, int]:
        """Every control token's spelling and id."""
        return dict(self._control)

    def _special(self, kind: str, names: dict[str, str]) -> int | None:
        """The id of bos, eos or pad: by tokenizer_config.json, by the vocabulary, else by spelling."""
        named = names.get(f"{kind}_token")
        if (
            named is not None
            and (found := self._control.get(named, self._backend.piece_id(named))) is not None
        ):
            return found
        own: int | None = getattr(self._backend, f"{kind}_id")
        if own is not None:
            return own
        return next((self._control[name] for name in _DEFAULT_NAMES[kind] if name in self._control), None)

    def _text_bytes(self, index: int) -> bytes:
        """The bytes of an id; none for control tokens and for ids beyond the vocabulary."""
        found = self._bytes.get(index)
        if found is None:
            if index == self._backend.unknown_id:
                found = _UNKNOWN_TEXT
            elif index in self._control_text or not 0 <= index < self._backend.size:
                found = b""
            else:
                found = self._backend.piece_bytes(index)
            self._bytes[index] = found
        return found

    def _shown_bytes(self, index: int) -> bytes:
        if index in self._control_text:
            return self._control_text[index]
        return self._text_bytes(index)


def load_tokenizer(folder: Path, config: VocabularyOfModel | None = None) -> Tokenizer:
    """The tokenizer of a model folder. `config` is the model's, so that no id can miss its embedding.

    Raises:
        TokenizerError: there is none, it cannot be read, or it has ordinary tokens that the model lacks.
    """
    folder = Path(folder)
    model_file, json_file = folder / "tokenizer.model", folder / "tokenizer.json"
    settings_file = folder / SETTINGS_FILE
    settings = read_object(settings_file)
    declared = read_declared_tokens(settings, settings_file)
    extra = {content: index for index, (content, control) in declared.items() if control}
    backend: Backend
    if model_file.exists():
        files = [model_file]
        backend = SentencePieceBackend(read_bytes(model_file), str(model_file), extra)
        missing = _ordinary_beside(backend, declared)
        if missing and json_file.exists():
            files = [json_file]
            backend = JsonBackend(read_text(json_file), str(json_file), extra)
        elif missing:
            raise TokenizerError(
                "incomplete-tokenizer",
                f"tokenizer_config.json adds {missing[0]!r}, which tokenizer.model does not hold.",
                where=f"{settings_file}, field added_tokens_decoder",
                fix="Download tokenizer.json of this model too.",
            )
    elif json_file.exists():
        files = [json_file]
        backend = JsonBackend(read_text(json_file), str(json_file), extra)
    else:
        raise TokenizerError(
            "no-tokenizer",
            "This folder has no tokenizer: neither tokenizer.model nor tokenizer.json is there.",
            where=str(folder),
            fix="Put the tokenizer.model or tokenizer.json of this model into the folder.",
        )
    if config is not None:
        _check_size(backend, config.vocab_size, set(extra.values()), str(files[0]))
    files += [path for name in (SETTINGS_FILE, *TEMPLATE_FILES) if (path := folder / name).exists()]
    return Tokenizer(
        backend,
        special_tokens=read_special_tokens(settings),
        extra_control=extra,
        limit=config.vocab_size if config is not None else None,
        end_ids=[*read_end_ids(folder), *(config.eos_token_ids if config is not None else ())],
        adds_bos=settings.get("add_bos_token") is True,
        chat_template=read_chat_template(folder, settings),
        files=files,
    )


def _without_lone_surrogates(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        # Pairs of surrogates become their character on the way, single ones U+FFFD.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _check_size(backend: Backend, limit: int, control: set[int], where: str) -> None:
    """Ordinary tokens have to fit the model; control tokens beyond it (Gemma 3's images) are not used."""
    control = control | set(backend.control.values())
    beyond = [index for index in range(limit, backend.size) if index not in control]
    if beyond:
        raise TokenizerError(
            "tokenizer-too-large",
            f"The tokenizer has {backend.size} tokens, the model's vocabulary only {limit}.",
            where=where,
            fix="Use the tokenizer that belongs to this model.",
        )


def _ordinary_beside(backend: Backend, declared: dict[int, tuple[str, bool]]) -> list[str]:
    """Ordinary tokens that the folder declares and the vocabulary does not know at that id."""
    return [
        content
        for index, (content, control) in declared.items()
        if not control and index not in (backend.piece_id(content), *backend.encode(content)[:1])
    ]
