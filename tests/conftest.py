"""What every test stands on: no screen, no network, a home of its own, and the big test data if any."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

# Before anything imports Qt, tokenizers or huggingface_hub, which read these once.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"


class NetworkUsed(AssertionError):
    """A test tried to leave this machine."""


def _refuse_the_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if not isinstance(address, tuple):
        return  # a Unix socket
    try:
        outside = not ipaddress.ip_address(str(address[0]).split("%")[0]).is_loopback
    except ValueError:
        outside = address[0] != "localhost"
    if outside:
        raise NetworkUsed(f"a test connects to {address[0]}:{address[1]}")


sys.addaudithook(_refuse_the_network)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `reference` are skipped where the reference is not installed, and say so."""
    missing = [name for name in ("torch", "transformers", "peft") if find_spec(name) is None]
    words = f"{', '.join(missing)} not installed: `make equivalence` installs what these tests need"
    for item in items:
        if item.get_closest_marker("reference") is None:
            continue
        # Other packages' warnings are not ours to mend.
        item.add_marker(pytest.mark.filterwarnings("default"))
        if missing:
            item.add_marker(pytest.mark.skip(reason=words))


@pytest.fixture(autouse=True)
def gemma_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home for models, runs and chats, and an empty Hugging Face cache, for each test."""
    home = tmp_path / "gemma-mlx-home"
    monkeypatch.setenv("GEMMA_MLX_HOME", str(home))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "huggingface" / "hub"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    yield home


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with the real Gemma 2 tokenizer; a test that needs it is skipped where it is not there."""
    place = os.environ.get("GEMMA_MLX_TEST_DATA", "")
    if not place or not Path(place).is_dir():
        pytest.skip("GEMMA_MLX_TEST_DATA names no folder (the real Gemma 2 tokenizer and the like)")
    return Path(place)


@pytest.fixture(scope="session")
def project() -> Path:
    """The root of the checkout."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random Gemma 2 folder with a tokenizer. Shared by all tests: copy it before you change it."""
    from tests.tiny import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny-gemma2", "gemma2", tokenizer=True)
