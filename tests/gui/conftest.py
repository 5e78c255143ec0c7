"""Fixtures of the window's tests: offscreen, light, with the fake worker."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
