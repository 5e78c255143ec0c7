"""Streamed markdown: right fences at every moment, only the last part rewritten, nothing loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QTextDocument

from gui.services import Services
from gui.widgets.markdown_segments import PROSE_LENGTH, Segment, split_markdown
from gui.widgets.markdown_view import CodeBlock, MarkdownView, Prose

TEXT = "A **word**.\n\n```python\nprint('x')\n```\n\nAnd more."


def test_prose_and_code_are_told_apart() -> None:
    assert split_markdown(TEXT) == [
        Segment("A **word**."), Segment("print('x')", True, "python"), Segment("And more."),
    ]  # fmt: skip


def test_an_open_fence_is_code_already_and_a_shorter_one_does_not_close_it() -> None:
    assert split_markdown("a\n````md\n```\nb") == [Segment("a"), Segment("```\nb", True, "md")]
    assert split_markdown("~~~\nx\n```\n~~~\ny") == [Segment("x\n```", True, ""), Segment("y")]


def test_long_prose_is_cut_at_empty_lines_but_never_inside_a_list() -> None:
    long = "word " * (PROSE_LENGTH // 4)
    assert len(split_markdown(f"{long}\n\nNext one.")) == 2
    assert len(split_markdown(f"1. {long}\n\n2. second\n\n   more of it")) == 1


def test_a_growing_text_loses_nothing_at_any_moment() -> None:
    for end in range(len(TEXT) + 1):
        segments = split_markdown(TEXT[:end])
        shown = "".join(segment.text for segment in segments).replace("\n", "")
        assert shown.replace("`", "") in TEXT[:end].replace("\n", "").replace("```python", "").replace(
            "`", ""
        )


def test_only_the_last_segment_is_written_anew(qtbot: Any, services: Services) -> None:
    view = MarkdownView(services.theme)
    qtbot.addWidget(view)
    assert view.set_text(TEXT) == 3
    parts = view.parts
    assert view.set_text(TEXT + " Still more.") == 1
    assert view.parts == parts
    assert [type(part) for part in parts] == [Prose, CodeBlock, Prose]


def test_code_can_be_copied(qtbot: Any, services: Services) -> None:
    view = MarkdownView(services.theme)
    qtbot.addWidget(view)
    view.set_text(TEXT)
    view.parts[1].copy.click()
    assert QGuiApplication.clipboard().text() == "print('x')"


def test_markers_and_html_stay_text(qtbot: Any, services: Services) -> None:
    view = MarkdownView(services.theme)
    qtbot.addWidget(view)
    view.set_text("Say <end_of_turn> and <b>bold</b> and <script>x</script>.")
    assert view.parts[0].toPlainText() == "Say <end_of_turn> and <b>bold</b> and <script>x</script>."


def test_nothing_is_loaded_and_no_file_is_opened(
    qtbot: Any, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "secret.png"
    picture.write_bytes(b"x")
    view = MarkdownView(services.theme)
    qtbot.addWidget(view)
    view.set_text(f"![x](file://{picture}) [y](file://{picture}) [z](https://example.org)")
    prose = view.parts[0]
    kind = QTextDocument.ResourceType.ImageResource.value
    assert prose.loadResource(kind, QUrl.fromLocalFile(str(picture))) is None
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    prose.anchorClicked.emit(QUrl(f"file://{picture}"))
    prose.anchorClicked.emit(QUrl("https://example.org"))
    assert opened == ["https://example.org"]
    assert "secret" not in prose.source().toString()
