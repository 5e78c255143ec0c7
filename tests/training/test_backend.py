"""The backend is that of MLX's default device."""

from __future__ import annotations

import mlx.core as mx
import pytest

from gemma_mlx.training.backend import backend


@pytest.mark.parametrize(("device", "name"), [(mx.Device(mx.cpu), "cpu"), (mx.Device(mx.gpu), "gpu")])
def test_it_is_that_of_the_default_device(
    monkeypatch: pytest.MonkeyPatch, device: mx.Device, name: str
) -> None:
    monkeypatch.setattr(mx, "default_device", lambda: device)
    assert backend() == name
