"""The catalogue's sizes are those of the published models, and each entry is of a known shape."""

from __future__ import annotations

import json

import pytest

from gemma_mlx.library.catalogue import read_catalogue
from gemma_mlx.library.hub_http import repository_name
from gemma_mlx.library.resources import resource
from gemma_mlx.models.config import parameter_count, parse_config

TYPES = {"Gemma 1": "gemma", "Gemma 2": "gemma2", "Gemma 3": "gemma3_text"}


def test_parameters_are_those_that_the_decoder_has() -> None:
    shapes = json.loads(resource("catalogue.json").read_text(encoding="utf-8"))
    by_name = {entry["repository"]: shapes["shapes"][entry["shape"]] for entry in shapes["models"]}
    for offer in read_catalogue():
        shape = by_name[offer.repository]
        config = parse_config({**shape, "model_type": TYPES[shape["generation"]]}, offer.repository)
        assert offer.parameters == parameter_count(config), offer.repository


@pytest.mark.parametrize(
    ("repository", "size"),
    [
        ("google/gemma-2b-it", 2 * 2_506_172_416),
        ("google/gemma-2-2b-it", 2 * 2_614_341_888),
        ("google/gemma-3-1b-it", 2 * 999_885_952),
        ("google/gemma-3-4b-it", 2 * 4_300_079_472),  # the image encoder too
    ],
)
def test_sizes_are_those_of_the_published_files(repository: str, size: int) -> None:
    offers = {offer.repository: offer for offer in read_catalogue()}
    assert offers[repository].size == size


def test_entries_are_whole() -> None:
    offers = read_catalogue()
    assert len({offer.repository for offer in offers}) == len(offers)
    for offer in offers:
        assert repository_name(offer.repository) == offer.repository
        assert offer.gated == offer.repository.startswith("google/")
        assert 0 < offer.memory <= offer.size
        if offer.bits == 4:
            assert offer.size < offer.parameters
