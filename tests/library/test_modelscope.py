"""Models from ModelScope: the same transfer, resumed and checked, and no token that goes there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.events import Done
from gemma_mlx.library.hub import download, list_partials
from gemma_mlx.library.hub_transfer import CHUNK_BYTES
from gemma_mlx.library.modelscope import ModelScope, chosen_source, list_modelscope
from gemma_mlx.library.store import models_root, read_json
from tests.command_line import gemma
from tests.library.fake_hub import FakeHub, kill_on_the_way, model_files, serve
from tests.library.fake_modelscope import FILE_COMMIT, OWNED, ModelScopeHandler
from tests.library.test_hub import BIG, WANTED, no_wait


@pytest.fixture
def scope(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    for name in ("HF_HUB_OFFLINE", "GEMMA_MLX_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve(FakeHub(model_files()), ModelScopeHandler) as running:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", running.address)
        yield running


def bring(**more: Any) -> Done:
    *_, last = download(OWNED, **{"source": "modelscope", "wait": no_wait, **more})
    assert isinstance(last, Done)
    return last


def whole(scope: FakeHub) -> bool:
    folder = models_root() / OWNED
    return all((folder / name).read_bytes() == scope.files[name] for name in WANTED)


def test_a_model_arrives_whole_each_file_at_its_commit(
    scope: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret_of_mine")
    done = bring()
    assert whole(scope) and done.result["received"] == done.result["bytes"]
    assert {path.name for path in Path(done.result["folder"]).iterdir()} == WANTED | {"hub.json"}
    fetched = [path for path, _ in scope.requests if "FilePath" in path]
    assert len(fetched) == len(WANTED) and all(FILE_COMMIT in path for path in fetched)
    assert not any("Authorization" in headers for _, headers in scope.requests)
    record = read_json(Path(done.result["folder"]) / "hub.json")
    assert record["repository"] == OWNED and len(str(record["commit"])) == 40
    asked = len(scope.requests)
    assert bring().result["received"] == 0
    assert len(scope.requests) == asked + 1, "only the listing is asked for"


def test_the_listing_is_named_by_what_it_holds(scope: FakeHub) -> None:
    def commit() -> str:
        hub = ModelScope()
        try:
            return list_modelscope(hub, OWNED).commit
        finally:
            hub.close()

    first = commit()
    assert commit() == first
    scope.files["config.json"] = b"{}"
    assert commit() != first


@pytest.mark.parametrize(
    "faults", [["cut"], ["drop", "drop"], ["garble"], ["500", "429"], ["ignore-range"], ["redirect"]]
)
def test_every_fault_is_got_over(scope: FakeHub, faults: list[str]) -> None:
    scope.faults[BIG] = list(faults)
    bring()
    assert whole(scope) and not scope.faults[BIG]


KILLED = """
import sys
from gemma_mlx.library.hub import download
for event in download(sys.argv[1], source="modelscope"):
    pass
"""


def test_after_a_kill_at_half_at_most_one_chunk_is_sent_again(scope: FakeHub) -> None:
    size = len(scope.files[BIG])
    assert size > 8 * CHUNK_BYTES
    scope.stop_after = size // 2
    kill_on_the_way(scope, KILLED, OWNED)
    (partial,) = list_partials()
    kept = (partial.path / BIG).stat().st_size
    done = bring()
    assert whole(scope) and done.result["received"] == size - kept
    assert done.result["received"] - (size - size // 2) <= CHUNK_BYTES


def test_what_is_not_there_is_told_with_the_other_owner(scope: FakeHub) -> None:
    with pytest.raises(GemmaError) as caught:
        list(download("google/gemma-2-2b-it", source="modelscope", wait=no_wait))
    assert caught.value.code == "no-repository" and "LLM-Research" in caught.value.fix
    with pytest.raises(GemmaError) as caught:
        bring(revision="v9")
    assert "v9" in caught.value.what


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"Data": None}, {"Data": {"Files": 7}}, {"Data": {"Files": [{"Path": "a", "Size": 1}]}}],
)
def test_an_answer_that_makes_no_sense_is_refused(
    scope: FakeHub, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    monkeypatch.setattr(ModelScopeHandler, "do_GET", lambda self: self._json(200, answer))
    with pytest.raises(GemmaError) as caught:
        bring()
    assert caught.value.code == "bad-answer"


def test_the_command_takes_the_source_by_flag_or_environment(
    scope: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = gemma("download", OWNED, "--source", "modelscope", "--json").document
    assert whole(scope) and document["repository"] == OWNED
    monkeypatch.setenv("GEMMA_MLX_SOURCE", "modelscope")
    assert gemma("download", OWNED, "--json").document["received"] == 0
    monkeypatch.setenv("GEMMA_MLX_SOURCE", "elsewhere")
    assert gemma("download", OWNED, "--json").error["code"] == "bad-source"


def test_offline_nothing_is_asked(scope: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMMA_MLX_OFFLINE", "1")
    assert gemma("download", OWNED, "--source", "modelscope", "--json").error["code"] == "offline"
    assert not scope.requests


def test_hugging_face_is_the_source_unless_said_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMMA_MLX_SOURCE", raising=False)
    assert chosen_source() == "huggingface"
    assert chosen_source("ModelScope ") == "modelscope"


def test_a_search_is_hugging_faces_and_says_so(scope: FakeHub) -> None:
    error = gemma("download", "--search", "gemma", "--source", "modelscope", "--json").error
    assert error["code"] == "bad-settings" and "modelscope.cn" in error["fix"]
    assert not scope.requests
