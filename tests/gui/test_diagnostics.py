"""What Copy Diagnostics gives away: nothing that names a person."""

from __future__ import annotations

import pytest

from gui.diagnostics import anonymous


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at /Users/anna/models/x: no", "at ~/models/x: no"),
        ("at /Users/Anna Maria/models/x", "at ~/models/x"),
        ("File '/home/ivan', line 3", "File '~', line 3"),
        ("/home/ivan is full", "~ is full"),
        ("on /Volumes/Anna/gemma", "on /Volumes/…/gemma"),
        ("on /Volumes/Backup 2/gemma", "on /Volumes/…/gemma"),
        ("on /media/ivan/USB/gemma", "on /media/…/gemma"),
        ("C:\\Users\\Olga\\x", "~\\x"),
        ("HF_TOKEN=hf_abcdefghijklmnop", "HF_TOKEN=hf_…"),
        ("step 12 of /usr/lib/x", "step 12 of /usr/lib/x"),
    ],
)
def test_persons_and_tokens_are_left_out(text: str, shown: str) -> None:
    assert anonymous(text) == shown
