"""Whatever bytes a file holds: rows, or a DatasetError that can be shown and sent; no other exception."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gemma_mlx.data.overview import OpenDataset
from gemma_mlx.data.prepare import prepare_dataset
from gemma_mlx.errors import DatasetError
from gemma_mlx.settings import DataSettings
from tests.data.fake_tokenizer import fake_tokenizer

CHATS = [{"messages": [{"role": "user", "content": "ü"}, {"role": "assistant", "content": "b😀"}]}] * 3
PAIRS = [{"prompt": "a\n", "completion": 'say "b"'}] * 3


def _parquet() -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(CHATS), buffer)
    return buffer.getvalue()


SOUND: dict[str, bytes] = {
    "jsonl": "".join(json.dumps(row) + "\n" for row in PAIRS).encode(),
    "json": json.dumps(CHATS, indent=1).encode(),
    "csv": b'prompt,completion\n"a, b","c ""d""\ne"\nf,g\n',
    "tsv": b"prompt\tcompletion\na\tb\n",
    "txt": b"one\n\ntwo\nthree\n",
    "parquet": _parquet(),
    "jsonl.gz": gzip.compress(b'{"text": "a"}\n' * 9),
}
NASTY = [
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b'"',
    b"\n",
    b"\r",
    b"[",
    b"}",
    b"NaN",
    b"\\ud800",
    b"1e999",
    b"\x1f\x8b",
]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, bytes]:
    """A sound file of some kind with some bytes put in, taken out or changed, or any bytes at all."""
    kind = draw(st.sampled_from(sorted(SOUND)))
    content = bytearray(SOUND[draw(st.sampled_from([kind, kind, kind, *SOUND]))])
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(content)))
        removed = draw(st.integers(0, 20))
        content[at : at + removed] = draw(st.one_of(st.sampled_from(NASTY), st.binary(max_size=8)))
    return kind, bytes(draw(st.one_of(st.just(content), st.binary(max_size=60))))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("any")


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(file=files(), bad_rows=st.sampled_from(["refuse", "leave_out"]), max_length=st.sampled_from([8, 64]))
def test_rows_or_an_error_that_can_be_shown(
    folder: Path, file: tuple[str, bytes], bad_rows: str, max_length: int
) -> None:
    kind, content = file
    path = folder / f"rows.{kind}"
    path.write_bytes(content)
    data = DataSettings.model_validate({"dataset": str(path), "bad_rows": bad_rows, "max_length": max_length})
    shown: list[Any] = []
    try:
        prepared = prepare_dataset(data, fake_tokenizer(), seed=0)
        shown += [prepared.report.as_dict(), *(row.text for row in prepared.train)]
    except DatasetError as error:
        assert error.what
        assert error.where
        assert error.fix
        shown += [error.as_dict(), str(error)]
    try:
        opened = OpenDataset(data, fake_tokenizer())
        shown += [piece.text for row in opened.preview(0, 3) for piece in row.pieces]
        list(opened.scan())
        shown.append(opened.overview().as_dict())
    except DatasetError as error:
        shown.append(error.as_dict())
    json.dumps(shown, ensure_ascii=False).encode("utf-8")
