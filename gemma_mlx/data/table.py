"""Tokenized examples in flat arrays, in memory or mapped from disk: a million rows are no Python lists."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, overload

import numpy as np
import numpy.typing as npt

from gemma_mlx.data.formats import Example, PreferenceExample, as_pair

ARRAYS: dict[str, str] = {
    "ids": "<i4",  # the tokens of all sequences, end to end
    "mask": "|u1",  # 1 where the token carries loss
    "ends": "<i8",  # where each sequence ends in ids and mask
    "targets": "<i4",  # how many tokens of a sequence carry loss
    "line": "<i8",  # line or row number in its file
    "file": "<i4",  # index into the names of files
    "key": "<u8",  # hash of the source row's content, by which rows are split
    "text": "|u1",  # how the texts begin, in UTF-8, end to end
    "text_ends": "<i8",
}
"""The arrays of a table and their types on disk."""

RowT = TypeVar("RowT")


class TokenTable:
    """Sequences in flat arrays. `width` is 1, or 2 for pairs: then chosen and rejected follow one another."""

    def __init__(self, arrays: dict[str, npt.NDArray[Any]], files: Sequence[str], width: int) -> None:
        self.arrays = arrays
        self.files = tuple(files)
        self.width = width

    def __len__(self) -> int:
        return len(self.arrays["ends"]) // self.width

    def sequence(self, index: int) -> Example:
        """One sequence, as an example."""
        arrays = self.arrays
        begin, end = _bounds(arrays["ends"], index)
        text_begin, text_end = _bounds(arrays["text_ends"], index)
        return Example(
            ids=arrays["ids"][begin:end].tolist(),
            loss_mask=arrays["mask"][begin:end].astype(bool).tolist(),
            source=self.files[int(arrays["file"][index])],
            row=int(arrays["line"][index]),
            text=arrays["text"][text_begin:text_end].tobytes().decode("utf-8"),
        )

    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each row; for a pair twice its longer side, which is what it takes in a batch."""
        lengths = np.diff(self.arrays["ends"], prepend=0).reshape(-1, self.width)
        return np.asarray(lengths.max(axis=1) * self.width, dtype=np.int64)

    def tokens(self) -> npt.NDArray[np.int64]:
        """Tokens of each row, both sides of a pair."""
        sums = np.diff(self.arrays["ends"], prepend=0).reshape(-1, self.width).sum(axis=1)
        return np.asarray(sums, dtype=np.int64)

    def targets(self) -> npt.NDArray[np.int64]:
        """Tokens of each row that carry loss, both sides of a pair."""
        return self.arrays["targets"].astype(np.int64).reshape(-1, self.width).sum(axis=1)

    def of_each(self, name: str) -> npt.NDArray[Any]:
        """A per-sequence array (file, line, key), one entry a row."""
        return self.arrays[name][:: self.width]


class _Rows(Sequence[RowT], Generic[RowT]):
    """Some rows of a table, made into examples when they are asked for."""

    def __init__(self, table: TokenTable, indices: npt.NDArray[np.int64]) -> None:
        self.table = table
        self.indices = indices
        self.lengths = table.lengths()[indices]
        """Tokens of each row: what `plan_epoch` takes."""
        self.tokens = table.tokens()[indices]
        """Tokens of each row that are text: of both sides of a pair."""

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> RowT: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[RowT]: ...

    def __getitem__(self, index: int | slice) -> RowT | Sequence[RowT]:
        if isinstance(index, slice):
            return type(self)(self.table, self.indices[index])
        return self._row(int(self.indices[index]))

    def _row(self, index: int) -> RowT:
        raise NotImplementedError


class ExampleRows(_Rows[Example]):
    """Examples, lazily."""

    def _row(self, index: int) -> Example:
        return self.table.sequence(index)


class PreferenceRows(_Rows[PreferenceExample]):
    """Pairs of chosen and rejected, lazily."""

    def _row(self, index: int) -> PreferenceExample:
        return PreferenceExample(self.table.sequence(2 * index), self.table.sequence(2 * index + 1))

    def chosen(self) -> ChosenRows:
        """The chosen sides alone, for supervised training on preference data."""
        return ChosenRows(self.table, self.indices)


class ChosenRows(_Rows[Example]):
    """The chosen sides of pairs, lazily."""

    def __init__(self, table: TokenTable, indices: npt.NDArray[np.int64]) -> None:
        super().__init__(table, indices)
        self.lengths = self.tokens = np.diff(table.arrays["ends"], prepend=0)[:: table.width][indices]

    def _row(self, index: int) -> Example:
        return self.table.sequence(self.table.width * index)


class TableWriter:
    """Takes examples one by one; `folder` holds the arrays on disk, without one they stay in memory."""

    def __init__(self, folder: Path | None, width: int) -> None:
        self._width = width
        self._files: dict[str, BinaryIO] = {}
        try:
            for name in ARRAYS:
                self._files[name] = io.BytesIO() if folder is None else array_path(folder, name).open("wb")
        except OSError:
            self.close()
            raise
        self._end = 0
        self._text_end = 0

    def add(self, example: Example | PreferenceExample, file: int, key: int) -> None:
        """Append an example; `file` is the index of its file, `key` the hash of its row."""
        sequences = as_pair(example)
        assert len(sequences) == self._width
        for sequence in sequences:
            text = sequence.text.encode("utf-8")
            self._end += len(sequence.ids)
            self._text_end += len(text)
            self._put("ids", sequence.ids)
            self._put("mask", sequence.loss_mask)
            self._put("ends", [self._end])
            self._put("targets", [sequence.targets])
            self._put("line", [sequence.row])
            self._put("file", [file])
            self._put("key", [key])
            self._files["text"].write(text)
            self._put("text_ends", [self._text_end])

    def _put(self, name: str, values: Sequence[int]) -> None:
        self._files[name].write(np.array(values, dtype=ARRAYS[name]).tobytes())

    def table(self, files: Sequence[str]) -> TokenTable:
        """The table, of a writer in memory."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, file in self._files.items():
            assert isinstance(file, io.BytesIO)
            arrays[name] = np.frombuffer(file.getbuffer(), dtype=ARRAYS[name])
        return TokenTable(arrays, files, self._width)

    def close(self) -> None:
        """Write out and close the arrays on disk."""
        for file in self._files.values():
            file.close()


def array_path(folder: Path, name: str) -> Path:
    """Where an array lies in a folder."""
    return folder / f"{name}.bin"


def _bounds(ends: npt.NDArray[Any], index: int) -> tuple[int, int]:
    return (int(ends[index - 1]) if index else 0), int(ends[index])
