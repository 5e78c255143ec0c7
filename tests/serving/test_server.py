"""The port: who is told that it is taken, and who reaches it."""

from __future__ import annotations

import pytest

from gemma_mlx.errors import GemmaError
from gemma_mlx.serving.server import address_of, is_loopback, listen


def test_a_taken_port_is_told(tmp_path: object) -> None:
    with listen("127.0.0.1", 0) as first:
        first.listen()
        port = first.getsockname()[1]
        assert address_of(first) == f"http://127.0.0.1:{port}/v1"
        with pytest.raises(GemmaError) as refused:
            listen("127.0.0.1", port)
        assert refused.value.code == "cannot-listen" and str(port) in refused.value.where


def test_an_address_that_is_not_here_is_told() -> None:
    with pytest.raises(GemmaError) as refused:
        listen("203.0.113.7", 0)
    assert refused.value.code == "cannot-listen"


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("192.168.0.3", False)],
)
def test_loopback_is_known(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected
