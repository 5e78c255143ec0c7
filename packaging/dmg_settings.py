"""How the disk image looks: dmgbuild reads this file and gives it `defines`, what its -D options name."""

from __future__ import annotations

import os
from typing import Any

defines: dict[str, Any] = globals().get("defines", {})
application = defines.get("app", "dist/Gemma MLX.app")
name = os.path.basename(application)  # noqa: PTH119 - dmgbuild runs this without a module of its own

format = "UDZO"
filesystem = "HFS+"
files = [application]
symlinks = {"Applications": "/Applications"}
background = defines.get("background", "build/bundle/background.png")
window_rect = ((200, 200), (660, 400))
default_view = "icon-view"
icon_size = 128
text_size = 13
icon_locations = {name: (170, 190), "Applications": (490, 190)}
