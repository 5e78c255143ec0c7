"""The live tests need PyTorch, transformers and PEFT; without them they are skipped, and say so."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

NEEDED = ("torch", "transformers", "peft")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    here = Path(__file__).parent
    for item in items:
        if here not in item.path.parents:
            continue
        # Other packages' warnings are not ours to mend.
        item.add_marker(pytest.mark.filterwarnings("default"))
        if missing:
            words = f"{', '.join(missing)} not installed: `make equivalence` installs what these tests need"
            item.add_marker(pytest.mark.skip(reason=words))
