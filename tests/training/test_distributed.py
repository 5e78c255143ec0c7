"""Two ranks on loopback train what one process trains, and losing one loses nothing that was learned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from gemma_mlx.errors import ModelError, TrainingError
from gemma_mlx.events import Event, Progress
from gemma_mlx.settings import DataSettings, LoraSettings, RunSettings, TrainSettings
from gemma_mlx.training import decision
from gemma_mlx.training.checkpoint import TrainState
from gemma_mlx.training.distributed import (
    ALONE,
    Ranks,
    _buckets,
    expected_size,
    join,
    launched,
    take_from_first,
)
from gemma_mlx.training.optimizer import Optimizer
from gemma_mlx.training.trainer import train
from tests.command_line import gemma
from tests.tiny import write_tiny_model
from tests.training.ring import entries, free_ports, ring, until

TOLERANCE = 1e-5
JUDGED = ("train_loss", "validation_loss", "gradient_norm", "tokens", "learning_rate")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", tokenizer=True, num_hidden_layers=2)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "rows.jsonl"
    rows = [{"prompt": f"count to {n}", "completion": " ".join(map(str, range(n)))} for n in range(1, 18)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "pairs.jsonl"
    rows = [
        {"prompt": f"say {n}", "chosen": f"{n}, gladly", "rejected": " ".join(["no"] * n)}
        for n in range(1, 12)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def settings(model: Path, dataset: Path, dropout: float = 0.0, **training: Any) -> RunSettings:
    plan = {"steps": 6, "batch_size": 4, "warmup_steps": 1, "save_every": 3, "evaluate_every": 3, "seed": 4}
    return RunSettings(
        model=str(model),
        lora=LoraSettings(rank=4, dropout=dropout),
        data=DataSettings(dataset=str(dataset), validation_split=0.25),
        training=TrainSettings(**({"learning_rate": 1e-2} | plan | training)),
    )


def judged(events: list[dict[str, Any]]) -> list[dict[str, float]]:
    """What of a run's measurements does not depend on the machine's speed."""
    return [{name: value for name, value in each["values"].items() if name in JUDGED} for each in events]


def difference(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> float:
    """The largest difference of any loss or gradient norm of two runs of as many steps."""
    names = JUDGED
    found = []
    for one, other in zip(ours, theirs, strict=True):
        assert [name in one for name in names] == [name in other for name in names]
        found += [abs(one[name] - other[name]) for name in names if name in one]
    assert len(found) > 6
    return max(found)


@pytest.mark.slow
def test_two_ranks_train_what_one_process_trains(
    tmp_path: Path, model: Path, dataset: Path, pairs: Path
) -> None:
    """Batches that are divided, and batches that are dealt whole, which even dropout does not tell apart.

    Three in a step: one of each. A batch of one row leaves a rank without any. In the last case the second
    rank rounds otherwise, and takes the first one's weights after each step.
    """
    cases = {
        "divided": settings(model, dataset),
        "dealt": settings(
            model, dataset, dropout=0.2, accumulation=2, batch_size=2, neftune_alpha=5.0, steps=3
        ),
        "both": settings(model, dataset, accumulation=3, batch_size=2, layout="padded"),
        "idle": settings(model, dataset, batch_size=1, steps=3),
        "full": settings(model, dataset, method="full", learning_rate=1e-3, steps=3),
        "dpo": settings(model, pairs, objective="dpo", steps=4),
        "drift": settings(model, dataset, steps=4, save_every=1),
    }
    file = tmp_path / "runs.json"
    file.write_text(json.dumps({name: case.model_dump() for name, case in cases.items()}))
    command = ["-m", "tests.training.ranked_run", str(file), str(tmp_path / "two")]
    with ring(tmp_path, command, command) as ranks:
        for name, case in cases.items():
            list(train(case, tmp_path / "one" / name))
        assert [rank.status() for rank in ranks] == [0, 0], [rank.errors for rank in ranks]
        told = [[judged(json.loads(line)) for line in rank.output.splitlines()] for rank in ranks]
    assert told[0] == told[1] and len(told[0]) == len(cases)
    for name in cases:
        one, two = entries(tmp_path / "one" / name), entries(tmp_path / "two" / name)
        assert difference(one, two) <= TOLERANCE, name
        assert one[-1]["train_loss" if "train_loss" in one[-1] else "validation_loss"] != one[0]["train_loss"]
        about = [json.loads((tmp_path / n / name / "run.json").read_text()) for n in ("one", "two")]
        assert about[0]["state"] == about[1]["state"] == "finished"
        assert about[0]["identity"] == about[1]["identity"]
    assert not (tmp_path / "two" / "not-to-be-made").exists()


@pytest.mark.slow
def test_mlx_launch_trains_what_one_process_trains(tmp_path: Path, model: Path, dataset: Path) -> None:
    """As the README says it, in JSON: one document, that of the first rank."""
    more = ("--steps", "5", "--validation-split", "0.25", "--json")
    launch = [str(Path(sys.executable).with_name("mlx.launch")), "-n", "2", "--python", sys.executable]
    port = ["--starting-port", str(free_ports(1)[0])]
    # Its standard input stays open: mlx.launch spins where it has ended.
    done = subprocess.Popen(
        [*launch, *port, "--", *cli(model, dataset, tmp_path / "two", *more)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with done:
        one = gemma(*cli(model, dataset, tmp_path / "one", *more)[2:])
        assert done.stdout is not None and done.stderr is not None
        output, errors = done.stdout.read(), done.stderr.read()
    assert one.status == done.returncode == 0, errors
    assert json.loads(output)["step"] == 5
    assert difference(entries(tmp_path / "one"), entries(tmp_path / "two")) <= TOLERANCE


def cli(model: Path, dataset: Path, run: Path, *more: str) -> list[str]:
    words = ["-m", "gemma_mlx", "train", str(model), "--dataset", str(dataset), "--out", str(run)]
    options = {
        "--batch-size": 4, "--warmup-steps": 1, "--learning-rate": 1e-2, "--save-every": 1000, "--rank": 4,
        "--evaluate-every": 100_000, "--seed": 4,
    }  # fmt: skip
    return [*words, *(str(part) for pair in options.items() for part in pair), *more]


@pytest.mark.slow
def test_a_rank_that_is_killed_ends_the_run_with_a_checkpoint_that_one_rank_resumes(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    run, more = tmp_path / "run", ("--schedule", "constant", "--steps", "1000")
    command = cli(model, dataset, run, *more)
    with ring(tmp_path, command, command) as ranks:
        until(lambda: len(entries(run)) >= 5, ranks)
        ranks[1].process.kill()
        assert ranks[0].status() == 1
        assert "Rank 1 has ended" in ranks[0].errors and "Traceback" not in ranks[0].errors
    about = json.loads((run / "run.json").read_text())
    step = len(entries(run))
    assert about["state"] == "failed" and about["step"] == step >= 5
    assert (run / "checkpoints" / f"step-{step:06d}" / "manifest.json").exists()
    assert f"step-{step:06d}" in ranks[0].errors
    # The rest is trained by one, up to a step that the whole reaches too.
    about["settings"]["training"]["steps"] = about["total_steps"] = step + 3
    (run / "run.json").write_text(json.dumps(about))
    list(train(RunSettings(**about["settings"]), run, resume=True))
    whole = tmp_path / "whole"
    list(train(RunSettings(**about["settings"]), whole))
    mine, theirs = ([e for e in entries(each) if "train_loss" in e] for each in (run, whole))
    assert len(mine) == step + 3 and difference(mine, theirs) <= 1e-4


@pytest.mark.slow
def test_a_rank_that_does_not_answer_ends_the_run_after_the_patience(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    run = tmp_path / "run"
    command = cli(model, dataset, run, "--steps", "100000", "--rank-patience", "3")
    with ring(tmp_path, command, command) as ranks:
        until(lambda: len(entries(run)) >= 3, ranks)
        ranks[1].process.send_signal(signal.SIGSTOP)
        assert ranks[0].status() == 1
        assert "Rank 1 did not answer for 3 seconds" in ranks[0].errors
    assert "Traceback" not in ranks[0].errors and list((run / "checkpoints").iterdir())


@pytest.mark.slow
def test_stopping_one_rank_stops_all_after_the_same_step_and_only_the_first_speaks(
    tmp_path: Path, model: Path, dataset: Path
) -> None:
    run = tmp_path / "run"
    command = cli(model, dataset, run, "--steps", "100000", "--json")
    with ring(tmp_path, command, command) as ranks:
        until(lambda: len(entries(run)) >= 3, ranks)
        ranks[1].process.send_signal(signal.SIGINT)
        assert [rank.status() for rank in ranks] == [0, 0]
        document = json.loads(ranks[0].output)
    assert document["outcome"] == "stopped" and Path(document["adapter"]).is_dir()
    assert document["step"] == len(entries(run))
    assert ranks[1].output == ranks[1].errors == ""


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["packed", "padded"])
def test_two_ranks_resume_what_one_began_though_only_the_first_has_it(
    tmp_path: Path, model: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    """Also where the run began in another layout than theirs, as a GPU may measure it to be faster."""
    monkeypatch.setattr(decision, "measured_layout", lambda *_, **__: layout)
    whole, run = tmp_path / "whole", tmp_path / "run"
    chosen = settings(model, dataset, steps=8)
    list(train(chosen, whole))
    events = train(chosen, run)
    for event in events:
        if event.type == "checkpoint" and event.step == 3:  # type: ignore[attr-defined]
            break
    events.close()  # type: ignore[attr-defined]
    command = ["-m", "gemma_mlx", "train", "--resume"]
    with ring(tmp_path, [*command, str(run)], [*command, str(tmp_path / "nowhere")]) as ranks:
        assert [rank.status() for rank in ranks] == [0, 0], ranks[0].errors
    assert difference(entries(whole), entries(run)) <= TOLERANCE
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.slow
def test_a_rank_that_has_other_data_is_named_by_all(tmp_path: Path, model: Path, dataset: Path) -> None:
    """A relative dataset is another file where the second rank stands."""
    program = (
        "import os, sys; sys.path[0] = os.getcwd(); os.chdir(sys.argv.pop(1)); "
        "from gemma_mlx.cli import main; main()"
    )
    words = cli(model, Path("rows.jsonl"), tmp_path / "run", "--steps", "5")[2:]
    commands = []
    for name, rows in (("here", 17), ("there", 9)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rows.jsonl").write_text("".join(dataset.read_text().splitlines(True)[:rows]))
        commands.append(["-c", program, str(tmp_path / name), *words])
    with ring(tmp_path, *commands) as ranks:
        assert [rank.status() for rank in ranks] == [1, 1]
    for rank in ranks:
        assert "Rank 1 would train on something else than rank 0" in rank.errors
        assert "Traceback" not in rank.errors
    assert "data" in ranks[1].errors and not (tmp_path / "run").exists()


class TwoRanks(Ranks):
    """One of two, whose other one says what the test says."""

    def __init__(self, rank: int, other: float) -> None:
        super().__init__()
        self.rank, self.size, self.other, self.told = rank, 2, other, list[float]()

    def each(self, value: float) -> list[float]:
        self.told.append(value)
        return [value, self.other] if self.rank == 0 else [self.other, value]


def work(fails: bool) -> Generator[Event, None, str]:
    yield Progress("Reading", 0, 1)
    if fails:
        raise ModelError("no-model", "There is none.")
    return "made"


def test_a_rank_that_cannot_start_says_why_and_the_others_say_which_it_was() -> None:
    def outcome(ranks: Ranks, fails: bool) -> str:
        made: list[str] = []

        def whole() -> Generator[Event, None, None]:
            made.append((yield from ranks.together(work(fails))))

        assert list(whole()) == [Progress("Reading", 0, 1)]
        return made[0]

    assert outcome(TwoRanks(0, other=0), fails=False) == outcome(ALONE, fails=False) == "made"
    for ranks in (TwoRanks(1, other=0), TwoRanks(0, other=1)):
        with pytest.raises(ModelError):
            outcome(ranks, fails=True)
        assert ranks.told == [1]
    with pytest.raises(TrainingError) as raised:
        outcome(TwoRanks(0, other=1), fails=False)
    assert raised.value.code == "rank-failed" and raised.value.what.startswith("Rank 1 could not start")


def test_alone_nothing_is_told_and_nothing_changes() -> None:
    arrays = {"a": mx.array([1.0, 2.0])}
    assert ALONE.first and ALONE.sums(arrays) is arrays and ALONE.totals(3, 4.5) == [3, 4.5]
    assert ALONE.text_of_first("hello") == "hello" and ALONE.agree("pause") == "pause"
    state = TrainState(step=3)
    assert take_from_first(ALONE, state, arrays, Optimizer(TrainSettings())) == (state, arrays)
    ALONE.check_same({"model": "x"})
    ALONE.close()


def test_arrays_travel_in_buckets_of_one_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemma_mlx.training.distributed.BUCKET_BYTES", 40)
    arrays = {
        "a": mx.zeros(4), "b": mx.zeros(4, mx.bfloat16), "c": mx.zeros(5), "d": mx.zeros(5),
        "e": mx.zeros(100), "f": mx.zeros(2),
    }  # fmt: skip
    assert _buckets(arrays) == [["a", "c"], ["d"], ["e"], ["f"], ["b"]]


def test_the_launchers_variables_say_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLX_HOSTFILE", "MLX_IBV_DEVICES", "MLX_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert expected_size() == 1 and not launched() and join() is ALONE
    file = tmp_path / "hosts.json"
    monkeypatch.setenv("MLX_HOSTFILE", str(file))
    for text, size in (('[["127.0.0.1:1"], ["127.0.0.1:2"]]', 2), ("", 1), ("{", 1)):
        file.write_text(text)
        assert expected_size() == size
    monkeypatch.delenv("MLX_HOSTFILE")
    monkeypatch.setenv("OMPI_COMM_WORLD_SIZE", "4")
    assert expected_size() == 4 and launched()


def test_ranks_that_were_started_and_are_not_found_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLX_WORLD_SIZE", "3")
    monkeypatch.setattr(os, "environ", dict(os.environ))
    with pytest.raises(TrainingError) as refused:
        join()
    assert refused.value.code == "ranks-not-joined" and "3 ranks" in refused.value.what
