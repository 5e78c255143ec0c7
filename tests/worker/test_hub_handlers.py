"""What the real worker offers for download, and that a token stays out of sight."""

from __future__ import annotations

from typing import Any

import pytest

from gemma_mlx.worker import protocol, results


@pytest.fixture
def pipe(open_worker: Any) -> Any:
    return open_worker("real")


def test_the_catalogue_says_what_each_model_takes(pipe: Any) -> None:
    answer = results.OfferList.model_validate(pipe.ask(protocol.ListOffers()))
    offers = {offer.repository: offer for offer in answer.offers}
    small, large = offers["google/gemma-3-270m-it"], offers["google/gemma-2-27b-it"]
    assert small.chat and small.gated and small.generation == "Gemma 3"
    assert 0 < small.size_bytes < large.size_bytes
    assert small.allowed_bytes > 0 and small.verdict != "unknown"
    assert not offers["mlx-community/gemma-2-2b-it-4bit"].gated


def test_a_download_that_cannot_begin_is_told(pipe: Any) -> None:
    failed = pipe.end_of(pipe.send(protocol.Download(repository="../../etc")))
    assert isinstance(failed, protocol.ErrorMessage)
    assert failed.fix


def test_a_token_is_checked_and_never_printed(pipe: Any) -> None:
    command = protocol.SaveToken(token="two words")
    assert "two words" not in repr(command)
    failed = pipe.end_of(pipe.send(command))
    assert isinstance(failed, protocol.ErrorMessage)
    assert failed.code == "bad-token"
    assert "two words" not in repr(failed)
