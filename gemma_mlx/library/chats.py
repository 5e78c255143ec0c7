"""The app's chats in one SQLite file: turns as trees, full-text search, deleting that can be undone."""

from __future__ import annotations

import json
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gemma_mlx.errors import GemmaError
from gemma_mlx.library.chat_tree import ChatTree

VERSION = 1
"""Of the tables, kept in SQLite's user_version."""

_TABLES = """
create table chats (
    id integer primary key,
    title text not null,
    system text not null,
    sampling text not null,
    created text not null,
    updated text not null,
    deleted integer not null default 0
);
create table lanes (
    chat integer not null references chats(id) on delete cascade,
    lane integer not null,
    model text not null,
    adapter text not null,
    tree text not null,
    primary key (chat, lane)
);
create virtual table words using fts5(text, chat unindexed, tokenize = 'unicode61 remove_diacritics 2');
"""


@dataclass
class Lane:
    """One side of a chat: a model (with an adapter or "") and what was said with it."""

    model: str = ""
    adapter: str = ""
    tree: ChatTree = field(default_factory=ChatTree)


@dataclass
class Chat:
    """A chat; `id` is 0 until it is saved. Two lanes: one prompt, two models side by side."""

    id: int = 0
    title: str = ""
    system: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=lambda: [Lane()])
    created: str = ""
    updated: str = ""


@dataclass(frozen=True)
class ChatLine:
    """A chat as a list shows it. `excerpt`: where the searched words are; `updated` in ISO 8601, UTC."""

    id: int
    title: str
    updated: str
    model: str
    excerpt: str = ""


class ChatStore:
    """Opens (or makes) the file at its first use. One thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
        self._open = None

    def save(self, chat: Chat) -> None:
        """Write a chat whole or not at all; gives it its id and times.

        Raises:
            GemmaError: `cannot-write-chats`.
        """
        now = datetime.now(UTC).isoformat(timespec="microseconds")  # the list is in their order
        chat.created, chat.updated = chat.created or now, now
        values = (chat.title, chat.system, json.dumps(chat.sampling), chat.created, chat.updated)
        with self._transaction() as database:
            if chat.id:
                database.execute(
                    "update chats set title = ?, system = ?, sampling = ?, created = ?, updated = ? "
                    "where id = ?",
                    (*values, chat.id),
                )
                database.execute("delete from lanes where chat = ?", (chat.id,))
                database.execute("delete from words where chat = ?", (chat.id,))
            else:
                cursor = database.execute(
                    "insert into chats (title, system, sampling, created, updated) values (?, ?, ?, ?, ?)",
                    values,
                )
                chat.id = int(cursor.lastrowid or 0)
            for number, lane in enumerate(chat.lanes):
                tree = json.dumps(lane.tree.to_dict(), ensure_ascii=False)
                database.execute(
                    "insert into lanes values (?, ?, ?, ?, ?)",
                    (chat.id, number, lane.model, lane.adapter, tree),
                )
            database.executemany(
                "insert into words (text, chat) values (?, ?)",
                [(_indexed(text), chat.id) for text in _texts(chat)],
            )

    def load(self, identifier: int) -> Chat:
        """The chat of this id.

        Raises:
            GemmaError: `no-such-chat`, `bad-chat`, `cannot-read-chats`.
        """
        with self._transaction() as database:
            row = database.execute(
                "select title, system, sampling, created, updated from chats where id = ?", (identifier,)
            ).fetchone()
            lanes = database.execute(
                "select model, adapter, tree from lanes where chat = ? order by lane", (identifier,)
            ).fetchall()
        if row is None or not lanes:
            raise GemmaError(
                "no-such-chat", "This chat is not there any more.", where=str(self._path),
                fix="Choose another one.", kept="The other chats are as they were.",
            )  # fmt: skip
        try:
            sides = [
                Lane(model, adapter, ChatTree.from_dict(json.loads(tree))) for model, adapter, tree in lanes
            ]
            sampling = json.loads(row[2])
        except ValueError as problem:
            raise GemmaError(
                "bad-chat", f"The stored chat cannot be read: {problem}", where=str(self._path),
                fix="Restore the file from a backup.", kept="The other chats are as they were.",
            ) from None  # fmt: skip
        return Chat(identifier, row[0], row[1], sampling, sides, row[3], row[4])

    def list(self, search: str = "") -> list[ChatLine]:
        """The chats, newest first; with `search` those that hold all of its words (by their beginnings)."""
        asked = _query(search)
        with self._transaction() as database:
            rows = database.execute(
                "select chats.id, title, updated, lanes.model from chats "
                "join lanes on lanes.chat = chats.id and lanes.lane = 0 "
                "where deleted = 0 order by updated desc, chats.id desc"
            ).fetchall()
            if not asked:
                return [ChatLine(*row) for row in rows]
            found: dict[int, str] = {}
            hits: list[set[int]] = []
            for phrase in asked:
                matches = database.execute(
                    "select chat, snippet(words, 0, '', '', '…', 12) from words where words match ?",
                    (phrase,),
                ).fetchall()
                hits.append({chat for chat, _ in matches})
                for chat, excerpt in matches:
                    found.setdefault(chat, _shown(excerpt))
            wanted = set.intersection(*hits)
        return [ChatLine(row[0], row[1], row[2], row[3], found[row[0]]) for row in rows if row[0] in wanted]

    def rename(self, identifier: int, title: str) -> None:
        """Give a chat another title; its place among the others stays."""
        chat = self.load(identifier)
        updated = chat.updated
        chat.title = title
        self.save(chat)
        with self._transaction() as database:
            database.execute("update chats set updated = ? where id = ?", (updated, identifier))

    def delete(self, identifier: int) -> None:
        """Hide a chat; `restore` brings it back until `purge`."""
        with self._transaction() as database:
            database.execute("update chats set deleted = 1 where id = ?", (identifier,))

    def restore(self, identifier: int) -> None:
        with self._transaction() as database:
            database.execute("update chats set deleted = 0 where id = ?", (identifier,))

    def purge(self) -> None:
        """Forget the deleted chats for good."""
        with self._transaction() as database:
            database.execute("delete from words where chat in (select id from chats where deleted = 1)")
            database.execute("delete from lanes where chat in (select id from chats where deleted = 1)")
            database.execute("delete from chats where deleted = 1")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction; SQLite's troubles as ours."""
        try:
            database = self._connect()
            with database:
                yield database
        except (sqlite3.Error, OSError) as problem:
            raise GemmaError(
                "chats-unusable", f"The file of chats cannot be used: {problem}", where=str(self._path),
                fix="Free space on this disk; if the file is damaged, move it away and a new one is made.",
                kept="What was saved before is as it was.",
            ) from problem  # fmt: skip

    def _connect(self) -> sqlite3.Connection:
        if self._open is not None:
            return self._open
        self._path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(self._path)
        try:
            database.execute("pragma journal_mode = wal")
            (version,) = database.execute("pragma user_version").fetchone()
            if version == 0:
                database.executescript(f"begin; {_TABLES} pragma user_version = {VERSION}; commit;")
            elif version > VERSION:
                raise GemmaError(
                    "chats-too-new", "The chats were written by a later version of this program.",
                    where=str(self._path), fix="Open them with that version.", kept="They are unchanged.",
                )  # fmt: skip
        except BaseException:
            database.close()
            raise
        self._open = database
        return database


def _texts(chat: Chat) -> Iterator[str]:
    """All that is searched: the title and every wording of every turn."""
    yield chat.title
    for lane in chat.lanes:
        for turn in lane.tree:
            yield turn.content


def _is_ideograph(letter: str) -> bool:
    """Whether a script without blanks between words uses this letter: each is then a word of its own."""
    return unicodedata.name(letter, "").startswith(("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL"))


def _indexed(text: str) -> str:
    return "".join(
        f" {letter} " if letter > "\u2e7f" and _is_ideograph(letter) else letter for letter in text
    )


def _shown(text: str) -> str:
    """An excerpt without the blanks that `_indexed` put in."""
    words = text.split()
    shown = ""
    for word in words:
        glued = shown and _is_ideograph(shown[-1]) and _is_ideograph(word[0])
        shown += word if glued or not shown else f" {word}"
    return shown


def _query(search: str) -> list[str]:
    """FTS5 phrases, one for each word; what a user types is never its query language."""
    phrases = []
    for word in search.split():
        letters = _indexed(word).replace('"', " ").split()
        if any(letter.isalnum() for part in letters for letter in part):
            phrases.append(f'"{" ".join(letters)}" *')
    return phrases


def as_markdown(chat: Chat) -> str:
    """The branch that is shown, for people. Two lanes: one after the other, each under its model."""
    parts = [f"# {chat.title}"]
    if chat.system.strip():
        parts.append("> " + chat.system.strip().replace("\n", "\n> "))
    for lane in chat.lanes:
        if len(chat.lanes) > 1:
            parts.append(f"## {Path(lane.adapter or lane.model).name or lane.model}")
        for turn in lane.tree.path():
            parts.append(f"**{'You' if turn.role == 'user' else 'Model'}:**\n\n{turn.content.strip()}")
    return "\n\n".join(parts) + "\n"


def as_json(chat: Chat) -> str:
    """All of it, every branch."""
    lanes = [
        {"model": lane.model, "adapter": lane.adapter, "tree": lane.tree.to_dict()} for lane in chat.lanes
    ]
    whole = {
        "format": VERSION, "title": chat.title, "system": chat.system, "sampling": chat.sampling,
        "created": chat.created, "updated": chat.updated, "lanes": lanes,
    }  # fmt: skip
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"
