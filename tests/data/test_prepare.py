"""From a path to examples: what is read, refused, left out and reported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.data.formats import Example, PreferenceExample
from gemma_mlx.data.prepare import Prepared, prepare_dataset
from gemma_mlx.errors import Cancelled, DatasetError
from gemma_mlx.events import Progress
from gemma_mlx.settings import DataSettings
from tests.data.fake_tokenizer import END_OF_TURN, fake_tokenizer


def _settings(dataset: Path, **settings: Any) -> DataSettings:
    return DataSettings.model_validate({"dataset": str(dataset), "validation_split": 0.0, **settings})


def _prepared(dataset: Path, **settings: Any) -> Prepared:
    return prepare_dataset(_settings(dataset, **settings), fake_tokenizer(), seed=0)


def _write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def _learned(example: Any) -> str:
    assert isinstance(example, Example)
    ids = [token for token, loss in zip(example.ids, example.loss_mask, strict=True) if loss]
    return fake_tokenizer().decode([token for token in ids if token != END_OF_TURN])


PAIRS = [{"prompt": f"question {n}", "completion": f"answer {n}"} for n in range(12)]


def test_every_kind_of_file_gives_the_same_examples(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    files = [_write(tmp_path / "a.jsonl", PAIRS)]
    for name, text in (
        ("a.json", json.dumps(PAIRS)),
        ("b.json", json.dumps({"data": PAIRS}, indent=1)),
        ("a.csv", "prompt,completion\n" + "".join(f"{r['prompt']},{r['completion']}\n" for r in PAIRS)),
        ("a.tsv", "prompt\tcompletion\n" + "".join(f"{r['prompt']}\t{r['completion']}\n" for r in PAIRS)),
    ):
        (tmp_path / name).write_text(text)
        files.append(tmp_path / name)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(PAIRS), tmp_path / "a.parquet")
    files.append(tmp_path / "a.parquet")
    for file in files:
        prepared = _prepared(file)
        assert [_learned(example) for example in prepared.train] == [r["completion"] for r in PAIRS], file
        assert prepared.report.rows == prepared.report.train.examples == 12
        assert prepared.report.is_chat


def test_plain_text_is_learned_whole_and_the_report_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first\nsecond\n")
    prepared = _prepared(tmp_path / "a.txt")
    assert [example.text for example in prepared.train] == ["first", "second"]
    assert not prepared.report.is_chat
    assert any("all of its tokens carry loss" in note for note in prepared.report.notes)


def test_all_bad_rows_are_in_one_error(tmp_path: Path) -> None:
    rows: list[Any] = [dict(row) for row in PAIRS]
    rows[6] = '{"prompt": "broken'
    rows[7]["completion"] = ""
    rows[9]["prompt"] = 12
    del rows[11]["completion"]
    file = _write(tmp_path / "a.jsonl", rows)
    with pytest.raises(DatasetError) as caught:
        _prepared(file)
    error = caught.value
    assert error.code == "bad-rows"
    assert [(problem.file, problem.line) for problem in error.problems] == [
        (str(file), n) for n in (7, 8, 10, 12)
    ]
    assert error.where == f"{file}, line 7"
    assert "4 rows" in error.what
    assert error.fix
    assert error.kept


def test_bad_rows_can_be_left_out_and_are_named(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [*PAIRS[:3], "broken", *PAIRS[3:]])
    prepared = _prepared(file, bad_rows="leave_out")
    assert len(prepared.train) == 12
    assert prepared.report.bad == 1
    assert prepared.report.bad_rows[0].line == 4
    assert prepared.train[3].row == 5


def test_a_million_bad_rows_are_counted_and_a_thousand_kept(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [PAIRS[0], *["broken"] * 5000])
    with pytest.raises(DatasetError) as caught:
        _prepared(file)
    assert "5000 rows" in caught.value.what
    assert len(caught.value.problems) == 1000


def test_rows_without_targets_are_left_out_counted_and_named(tmp_path: Path) -> None:
    rows = [dict(PAIRS[0]), {"prompt": "long " * 40, "completion": "never reached"}, dict(PAIRS[1])]
    report = _prepared(_write(tmp_path / "a.jsonl", rows), max_length=64).report
    assert report.left_out == 1
    assert report.left_out_rows[0].line == 2
    assert "prompt" in report.left_out_rows[0].reason
    assert report.train.examples == 2


def test_nothing_left_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [{"prompt": "long " * 40, "completion": "x"}] * 3)
    with pytest.raises(DatasetError) as caught:
        _prepared(file, max_length=16)
    assert caught.value.code == "no-usable-rows"
    assert "max_length" in caught.value.fix
    assert len(caught.value.problems) == 3


def test_cut_rows_are_counted(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [{"text": "x" * 100}, {"text": "short"}])
    report = _prepared(file, max_length=32).report
    assert (report.truncated, report.cut_tokens) == (1, 70)
    assert report.train.lengths.maximum == 32


def test_the_row_limit_takes_the_first_rows_and_reads_no_further(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", [*PAIRS, "broken"])
    prepared = _prepared(file, limit=5)
    assert [example.row for example in prepared.train] == [1, 2, 3, 4, 5]


def test_a_folder_with_its_own_validation_and_a_test_file(tmp_path: Path) -> None:
    _write(tmp_path / "train.jsonl", PAIRS[:8])
    (tmp_path / "validation.csv").write_text("prompt,completion\nq,a\n")
    _write(tmp_path / "test.jsonl", ["never read"])
    prepared = _prepared(tmp_path, validation_split=0.5)
    assert (len(prepared.train), len(prepared.valid)) == (8, 1)
    assert [(file.split, file.rows) for file in prepared.report.files] == [
        ("train", 8),
        ("valid", 1),
        ("test", 0),
    ]
    assert any("Test files" in note for note in prepared.report.notes)


def test_bad_rows_of_all_files_are_reported_together(tmp_path: Path) -> None:
    _write(tmp_path / "train.jsonl", [PAIRS[0], "broken"])
    _write(tmp_path / "valid.jsonl", ["broken", PAIRS[0]])
    with pytest.raises(DatasetError) as caught:
        _prepared(tmp_path)
    assert [(Path(p.file).name, p.line) for p in caught.value.problems] == [
        ("train.jsonl", 2),
        ("valid.jsonl", 1),
    ]


def test_pairs_of_answers(tmp_path: Path) -> None:
    rows = [{"prompt": f"q{n}", "chosen": "good", "rejected": "bad"} for n in range(4)]
    rows.append({"prompt": "q", "chosen": "same", "rejected": "same"})
    prepared = _prepared(_write(tmp_path / "a.jsonl", rows))
    assert prepared.preferences
    pair = prepared.train[0]
    assert isinstance(pair, PreferenceExample)
    assert (_learned(pair.chosen), _learned(pair.rejected)) == ("good", "bad")
    assert len(prepared.train) == 4
    assert "the same" in prepared.report.left_out_rows[0].reason


def test_progress_is_told_and_a_cancel_stops_at_once(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", PAIRS * 100)
    told: list[Progress] = []
    prepare_dataset(_settings(file), fake_tokenizer(), seed=0, progress=told.append)
    assert any(event.stage == "Reading a.jsonl" and event.done == event.total > 0 for event in told)
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 300

    with pytest.raises(Cancelled):
        prepare_dataset(
            _settings(file), fake_tokenizer(), seed=0, cancelled=cancelled, cache_folder=tmp_path / "c"
        )
    assert calls == 301
    assert list((tmp_path / "c").iterdir()) == []


def test_the_fingerprint_follows_contents_settings_and_nothing_else(tmp_path: Path) -> None:
    file = _write(tmp_path / "a.jsonl", PAIRS)
    first = _prepared(file).fingerprint
    (tmp_path / "moved").mkdir()
    moved = _write(tmp_path / "moved" / "b.jsonl", PAIRS)
    assert _prepared(moved).fingerprint == first
    assert _prepared(file, max_length=77).fingerprint != first
    assert _prepared(file, loss_on="all").fingerprint != first
    assert _prepared(_write(file, PAIRS[1:])).fingerprint != first


def test_the_report_is_json(tmp_path: Path) -> None:
    report = _prepared(_write(tmp_path / "a.jsonl", PAIRS)).report
    content = json.loads(json.dumps(report.as_dict()))
    assert content["train"]["examples"] == 12
    assert content["files"][0]["sha256"]
    assert content["train"]["lengths"]["unit"] == "tokens"
