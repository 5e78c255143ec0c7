"""A scene: a page brought into a state worth a picture. Each page's scenes.py lists its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Wait = Callable[[Callable[[], bool]], None]
"""Turns the event loop until a condition is so."""


@dataclass(frozen=True)
class Scene:
    """`scenario` is the fake worker's; `prepare` is called with the page, once it is in front, and a Wait."""

    name: str
    page: str
    scenario: str
    prepare: Callable[[Any, Wait], None]
