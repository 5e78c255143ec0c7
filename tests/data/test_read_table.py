"""Tables: csv and tsv with quotes and line ends in cells, and parquet."""

from __future__ import annotations

from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from gemma_mlx.data.read import RowFile
from gemma_mlx.data.rows import Entry, Mark, Row
from gemma_mlx.errors import DatasetError, RowProblem


def _entries(path: Path, content: str | bytes) -> list[Entry]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(RowFile(path).entries())


def test_cells_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    entries = _entries(
        tmp_path / "rows.csv", '\ufeffprompt,completion\r\n"a, b","say ""hi""\nthere"\r\n\r\nc,d\r\n'
    )
    assert [(entry.line, entry.values) for entry in entries if isinstance(entry, Row)] == [
        (2, {"prompt": "a, b", "completion": 'say "hi"\nthere'}),
        (5, {"prompt": "c", "completion": "d"}),
    ]


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t")]
)
def test_the_separator_is_found_in_the_header(tmp_path: Path, name: str, separator: str) -> None:
    text = f"prompt{separator}completion\nx{separator}y, z; w\n".replace("y, z; w", "y z")
    entries = _entries(tmp_path / name, text)
    assert isinstance(entries[0], Row)
    assert entries[0].values == {"prompt": "x", "completion": "y z"}


def test_commas_in_a_tsv_do_not_separate(tmp_path: Path) -> None:
    entries = _entries(tmp_path / "a.tsv", "a, b, c\td\n1\t2\n")
    assert isinstance(entries[0], Row)
    assert entries[0].values == {"a, b, c": "1", "d": "2"}


def test_a_cell_may_be_longer_than_pythons_own_limit(tmp_path: Path) -> None:
    entries = _entries(tmp_path / "a.csv", "text,n\n" + "x" * 300_000 + ",1\n")
    assert isinstance(entries[0], Row)
    assert len(entries[0].values["text"]) == 300_000


def test_bad_rows_are_named_and_the_others_read(tmp_path: Path) -> None:
    entries = _entries(tmp_path / "a.csv", 'a,b\n1,2\nonly\n3,4,5\n"x"y,1\n6,7\n"never ends,8\n9,10\n')
    assert [entry.values["a"] for entry in entries if isinstance(entry, Row)] == ["1", "6"]
    problems = [entry for entry in entries if isinstance(entry, RowProblem)]
    assert [problem.line for problem in problems] == [3, 4, 5, 7]
    assert "1 cells" in problems[0].reason
    assert "closing quote" in problems[2].reason
    assert "never ends" in problems[3].reason


def test_a_column_without_a_name_gets_its_number(tmp_path: Path) -> None:
    entries = _entries(tmp_path / "a.csv", ",text\n0,hello\n")
    assert isinstance(entries[0], Row)
    assert entries[0].values == {"column 1": "0", "text": "hello"}


def test_a_header_that_names_a_column_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        _entries(tmp_path / "a.csv", "text,text\n1,2\n")
    assert caught.value.code == "bad-header"


def _parquet(path: Path, groups: int = 4) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {"messages": [{"role": "user", "content": f"q{n}"}], "n": n, "image": b"\xff" * 9}
        for n in range(1000)
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path, row_group_size=1000 // groups)
    return rows


def test_parquet_rows_with_nested_lists(tmp_path: Path) -> None:
    rows = _parquet(tmp_path / "a.parquet")
    source = RowFile(tmp_path / "a.parquet")
    read = list(source.rows(["messages", "n", "not there"]))
    assert source.done == source.total == 1000
    assert [row.values for row in read] == [{"messages": row["messages"], "n": row["n"]} for row in rows]
    assert [row.line for row in read[:2]] == [1, 2]


@pytest.mark.parametrize("first", [0, 1, 249, 250, 251, 999, 1000])
def test_parquet_can_begin_at_any_row(tmp_path: Path, first: int) -> None:
    _parquet(tmp_path / "a.parquet")
    entries = list(RowFile(tmp_path / "a.parquet").entries(["n"], begin=Mark(first)))
    assert [(entry.line, entry.values["n"]) for entry in entries if isinstance(entry, Row)] == [
        (n + 1, n) for n in range(first, 1000)
    ]


def test_text_that_is_not_utf8_in_parquet_is_a_problem_of_its_row(tmp_path: Path) -> None:
    offsets = pyarrow.py_buffer(b"".join(n.to_bytes(4, "little") for n in (0, 2, 4, 6)))
    column = pyarrow.Array.from_buffers(
        pyarrow.string(), 3, [None, offsets, pyarrow.py_buffer(b"ok\xff\xfeOK")]
    )
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), tmp_path / "a.parquet")
    entries = list(RowFile(tmp_path / "a.parquet").entries())
    assert [type(entry) for entry in entries] == [Row, RowProblem, Row]
    assert entries[1].line == 2


def test_parquet_that_is_cut_short_or_none_is_an_error(tmp_path: Path) -> None:
    _parquet(tmp_path / "a.parquet")
    whole = (tmp_path / "a.parquet").read_bytes()
    for content in (
        whole[:-100],
        b"not parquet at all",
        b"PAR1" + b"\0" * 50 + b"PAR1",
        whole[:4] + whole[5000:],
    ):
        (tmp_path / "b.parquet").write_bytes(content)
        with pytest.raises(DatasetError) as caught:
            list(RowFile(tmp_path / "b.parquet").entries())
        assert caught.value.code == "damaged-dataset"
