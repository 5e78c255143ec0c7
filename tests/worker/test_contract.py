"""What the window relies on, shown on the fake worker and on the real one alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx import events
from gemma_mlx.declaring import check_settings
from gemma_mlx.settings import DataSettings, RunSettings
from gemma_mlx.worker import protocol, results
from tests.tiny import write_tiny_model, write_tiny_tokenizer

ROWS = 12


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A tiny model with a tokenizer, and a dataset."""
    folder = tmp_path_factory.mktemp("material")
    model = folder / "tiny-gemma"
    write_tiny_model(model, "gemma2")
    write_tiny_tokenizer(model)
    data = folder / "orders.jsonl"
    lines = [f'{{"prompt": "order {row}", "completion": "apples {row}"}}' for row in range(ROWS)]
    data.write_text("\n".join(lines), encoding="utf-8")
    return {"model": model, "data": data, "runs": folder / "runs"}


def run_settings(material: dict[str, Path], **training: Any) -> RunSettings:
    values = {
        "model": str(material["model"]),
        "data": {"dataset": str(material["data"]), "max_length": 64, "validation_split": 0.2},
        "training": {"steps": 4, "batch_size": 2, "save_every": 2, "warmup_steps": 1, **training},
        "lora": {"rank": 4},
    }
    return check_settings(RunSettings, values, "test")


@pytest.mark.parametrize("kind", ["fake", "real"])
class TestContract:
    def test_the_worker_speaks_first_and_says_its_version(self, open_worker: Any, kind: str) -> None:
        hello = open_worker(kind).read()
        assert isinstance(hello, protocol.Hello)
        assert hello.version == protocol.PROTOCOL_VERSION

    def test_models_are_listed(self, open_worker: Any, kind: str) -> None:
        answer = results.ModelList.model_validate(open_worker(kind).ask(protocol.ListModels()))
        assert answer.allowed_bytes > 0

    def test_a_dataset_is_overlooked_early_and_then_as_a_whole(
        self, open_worker: Any, kind: str, material: dict[str, Path]
    ) -> None:
        pipe = open_worker(kind)
        settings = DataSettings(dataset=str(material["data"]))
        whole = pipe.ask(protocol.InspectDataset(settings=settings, model=str(material["model"])))
        overview = results.DatasetOverview.model_validate(whole)
        assert overview.complete
        assert overview.train + overview.valid == overview.usable
        assert sum(overview.lengths.counts) > 0
        early = [message for message in pipe.seen if isinstance(message, protocol.PartMessage)]
        assert results.DatasetOverview.model_validate(early[0].data).format == "completion"

    def test_rows_are_shown_with_their_loss(
        self, open_worker: Any, kind: str, material: dict[str, Path]
    ) -> None:
        pipe = open_worker(kind)
        settings = DataSettings(dataset=str(material["data"]))
        pipe.ask(protocol.InspectDataset(settings=settings, model=str(material["model"])))
        page = results.RowsPreview.model_validate(pipe.ask(protocol.PreviewRows(start=3, count=2)))
        assert [row.index for row in page.rows] == [3, 4]
        assert any(piece.loss for piece in page.rows[0].pieces)
        assert not page.rows[0].pieces[0].loss

    def test_a_chat_streams_what_done_repeats(
        self, open_worker: Any, kind: str, material: dict[str, Path]
    ) -> None:
        pipe = open_worker(kind)
        loaded = pipe.ask(protocol.LoadForChat(model=str(material["model"])))
        assert results.LoadedForChat.model_validate(loaded).context > 0
        turn = protocol.ChatTurn.model_validate(
            {"messages": [{"role": "user", "content": "hello"}], "sampling": {"max_tokens": 12, "seed": 1}}
        )
        job = pipe.send(turn)
        done = pipe.end_of(job)
        tokens = [event.text for event in pipe.events(job) if isinstance(event, events.Token)]
        assert "".join(tokens) == done.event.result["text"]
        assert {"tokens", "prompt_tokens", "tokens_per_second", "time_to_first_token", "reason"} <= set(
            done.event.result
        )

    def test_a_run_is_forecast_before_it_starts(
        self, open_worker: Any, kind: str, material: dict[str, Path]
    ) -> None:
        def forecast(**training: Any) -> results.TrainingForecast:
            command = protocol.ForecastTraining(settings=run_settings(material, **training))
            return results.TrainingForecast.model_validate(pipe.ask(command))

        pipe = open_worker(kind)
        few, many = forecast(batch_size=2), forecast(batch_size=8)
        assert few.steps == 4 and few.verdict == "fits"
        assert 0 < few.peak_bytes < many.peak_bytes < many.allowed_bytes

    def test_training_reports_each_step_and_announces_checkpoints(
        self, open_worker: Any, kind: str, material: dict[str, Path], tmp_path: Path
    ) -> None:
        pipe = open_worker(kind)
        settings = run_settings(material, steps=20 if kind == "fake" else 4)
        job = pipe.send(protocol.StartTraining(settings=settings, run_folder=str(tmp_path / "run")))
        done = pipe.end_of(job)
        assert isinstance(done, protocol.EventMessage), done
        assert done.event.outcome == "finished"
        assert done.event.result["adapter"]
        seen = pipe.events(job)
        steps = [
            event.step for event in seen if isinstance(event, events.Metrics) if "train_loss" in event.values
        ]
        assert steps == list(range(1, settings.training.steps + 1))
        assert any(isinstance(event, events.Checkpoint) for event in seen)

    def test_an_answer_stops_when_it_is_told_to(
        self, open_worker: Any, kind: str, material: dict[str, Path]
    ) -> None:
        pipe = open_worker(kind)
        pipe.ask(protocol.LoadForChat(model=str(material["model"])))
        turn = {"messages": [{"role": "user", "content": "go on"}], "sampling": {"max_tokens": 4000}}
        job = pipe.send(protocol.ChatTurn.model_validate(turn))
        pipe.send(protocol.Cancel(target=job))
        done = pipe.end_of(job)
        assert isinstance(done, protocol.EventMessage), done
        assert done.event.result["reason"] == "cancelled"

    def test_an_unknown_model_is_an_error_and_the_worker_lives_on(
        self, open_worker: Any, kind: str, tmp_path: Path
    ) -> None:
        if kind == "fake":
            pytest.skip("the fake worker knows every model")
        pipe = open_worker(kind)
        failed = pipe.end_of(pipe.send(protocol.LoadForChat(model=str(tmp_path / "nowhere"))))
        assert isinstance(failed, protocol.ErrorMessage)
        assert failed.fix
        pipe.ask(protocol.ListModels())

    def test_shutdown_and_a_closed_pipe_end_the_process(self, open_worker: Any, kind: str) -> None:
        pipe = open_worker(kind)
        pipe.read()
        pipe.send(protocol.Shutdown())
        assert pipe.process.wait(timeout=10) == 0
        other = open_worker(kind)
        other.read()
        assert other.hang_up() < 5


def test_a_run_is_paused_and_resumed(
    open_worker: Callable[..., Any], material: dict[str, Path], tmp_path: Path
) -> None:
    settings = run_settings(material, steps=30)
    start = protocol.StartTraining(settings=settings, run_folder=str(tmp_path / "run"))
    pipe = open_worker("real")
    job = pipe.send(start)
    pipe.until(lambda message: isinstance(message, protocol.EventMessage) and message.event.type == "metrics")
    pipe.send(protocol.Pause(target=job))
    paused = pipe.end_of(job)
    assert isinstance(paused, protocol.EventMessage), paused
    assert paused.event.outcome == "paused"
    stopped_at = paused.event.result["step"]
    assert stopped_at < 30
    job = pipe.send(start.model_copy(update={"resume": True}))
    resumed = pipe.end_of(job)
    assert isinstance(resumed, protocol.EventMessage), resumed
    assert resumed.event.outcome == "finished"
    steps = [event.step for event in pipe.events(job) if isinstance(event, events.Metrics)]
    assert min(steps) == stopped_at + 1
