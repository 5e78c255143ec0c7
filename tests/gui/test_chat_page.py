"""The Chat page: ask, stop, edit, branch, compare, search, undo; and what a dead worker leaves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog

from gemma_mlx.library.chat_tree import ChatTree
from gui.chat_page.presenter import ChatPresenter
from gui.chat_page.side import messages_of
from gui.chat_page.view import ChatPage
from gui.services import Services


@pytest.fixture
def make_page(qtbot: Any, make_services: Callable[..., Services]) -> Callable[..., ChatPage]:
    def make(scenario: str = "normal") -> ChatPage:
        services = make_services(scenario)
        page = ChatPage(services, ChatPresenter(services))
        qtbot.addWidget(page)
        page.resize(1100, 760)
        page.show()
        page.shown()
        if scenario == "normal":
            qtbot.waitUntil(lambda: page.pickers[0].box.count() > 0, timeout=20_000)
        return page

    return make


@pytest.fixture
def page(make_page: Callable[..., ChatPage]) -> ChatPage:
    return make_page()


def say(qtbot: Any, page: ChatPage, text: str = "What is a gemma?") -> None:
    page.composer.editor.setPlainText(text)
    qtbot.keyClick(page.composer.editor, Qt.Key.Key_Return)
    wait(qtbot, page)


def wait(qtbot: Any, page: ChatPage) -> None:
    qtbot.waitUntil(lambda: not page.presenter.busy, timeout=20_000)


def texts(page: ChatPage, side: int = 0) -> list[str]:
    return [turn.content for turn in page.presenter.path(side)]


def use_worker(page: ChatPage, scenario: str) -> None:
    workers = page._services.workers
    workers._program = (*workers._program[:-1], scenario)


def test_without_a_model_the_page_leads_to_the_models(qtbot: Any, make_page: Any) -> None:
    page = make_page("empty")
    qtbot.waitUntil(lambda: page.no_models.isVisible(), timeout=20_000)
    with qtbot.waitSignal(page._services.session.page_requested) as asked:
        page.no_models.buttons[0].click()
    assert asked.args == ["models"]


def test_an_answer_streams_into_segments_with_its_figures(qtbot: Any, page: ChatPage) -> None:
    say(qtbot, page)
    question, answer = page.conversations[0].messages
    assert question.plain.text() == "What is a gemma?"
    assert [part.__class__.__name__ for part in answer.markdown.parts] == ["Prose", "CodeBlock", "Prose"]
    assert "<end_of_turn> stays text" in answer.markdown.parts[2].toPlainText()
    assert answer.figures.text() == "23 tokens · 41.5 tokens/s · first after 0.18 s"
    assert page.composer.editor.toPlainText() == ""
    assert page.composer.context.maximum() == 8192 and page.composer.context.value() == 47
    answer.copy.click()
    assert "**gemma**" in QGuiApplication.clipboard().text()


def test_stop_keeps_what_was_said(qtbot: Any, page: ChatPage) -> None:
    assert page.composer.stop.isVisible() and not page.composer.stop.isEnabled()
    page.composer.editor.setPlainText("Tell me slowly.")
    page.composer.send.click()
    assert page.composer.stop.isEnabled() and not page.composer.send.isEnabled()
    qtbot.waitUntil(lambda: len(page.presenter.path(0)[-1].content) > 4, timeout=20_000)
    page.composer.stop.click()
    wait(qtbot, page)
    answer = page.presenter.path(0)[-1]
    assert answer.role == "assistant" and 4 < len(answer.content) < 90
    assert "stopped" in page.conversations[0].messages[-1].figures.text()
    assert page.composer.send.isEnabled()


def test_answering_again_makes_a_branch_that_can_be_walked(qtbot: Any, page: ChatPage) -> None:
    say(qtbot, page)
    first = page.presenter.path(0)[-1]
    page.conversations[0].messages[-1].regenerate.click()
    wait(qtbot, page)
    answer = page.conversations[0].messages[-1]
    assert answer.turn is not first
    assert answer.branch.isVisible() and answer.place.text() == "2/2"
    answer.before.click()
    assert page.conversations[0].messages[-1].turn is first
    assert page.conversations[0].messages[-1].place.text() == "1/2"


def test_an_edited_question_is_asked_beside_the_first(qtbot: Any, page: ChatPage) -> None:
    say(qtbot, page, "First wording")
    question = page.conversations[0].messages[0]
    question.edit.click()
    question.editor.setPlainText("Second wording")
    question.accept.click()
    wait(qtbot, page)
    assert texts(page)[0] == "Second wording" and len(texts(page)) == 2
    assert page.conversations[0].messages[0].place.text() == "2/2"
    page.conversations[0].messages[0].before.click()
    assert texts(page)[0] == "First wording" and len(texts(page)) == 2


def test_an_answer_can_be_carried_on_in_the_same_turn(qtbot: Any, page: ChatPage) -> None:
    say(qtbot, page)
    before = texts(page)[-1]
    page.conversations[0].messages[-1].carry_on.click()
    wait(qtbot, page)
    assert texts(page)[-1].startswith(before) and len(texts(page)[-1]) > len(before)
    assert len(texts(page)) == 2


def test_what_the_model_is_sent() -> None:
    tree = ChatTree()
    first = tree.add(None, "user", "One?")
    second = tree.add(first.id, "user", "Two?")
    answer = tree.add(second.id, "assistant", "Yes.")
    sent = [(message.role, message.content) for message in messages_of(tree, " Be kind. ", answer.id)]
    assert sent == [("system", "Be kind."), ("user", "One?\n\nTwo?"), ("assistant", "Yes.")]


def test_the_picker_loads_with_progress_and_ejects(qtbot: Any, page: ChatPage) -> None:
    picker = page.pickers[0]
    names = [picker.box.itemText(row) for row in range(picker.box.count())]
    assert "gemma-2-2b-it-4bit + Pirate answers" in names
    row = names.index("gemma-2-2b-it-4bit + Pirate answers")
    picker.box.setCurrentIndex(row)
    picker.box.activated.emit(row)
    assert picker.progress.isVisible()
    side = page.presenter.sides[0]
    qtbot.waitUntil(lambda: side.loaded is not None, timeout=20_000)
    assert side.loaded.adapter == "/runs/pirate/adapter"
    assert not picker.progress.isVisible() and "GB" in picker.state.text()
    picker.eject.click()
    assert picker.state.text() == "Not loaded"
    assert not picker.eject.isVisible()


def test_comparing_asks_base_and_tuned_the_same(qtbot: Any, page: ChatPage) -> None:
    page._services.session.chat_with.emit("/models/gemma-2-2b-it-4bit", "/runs/pirate/adapter")
    page.compare.setChecked(True)
    say(qtbot, page, "What is a gemma?")
    assert len(page.conversations) == 2
    assert texts(page, 0)[0] == texts(page, 1)[0] == "What is a gemma?"
    assert "**gemma**" in texts(page, 0)[1] and "**gemma**" in texts(page, 1)[1]
    loaded = [side.loaded for side in page.presenter.sides]
    assert [(held.model, held.adapter) for held in loaded] == [
        ("/models/gemma-2-2b-it-4bit", "/runs/pirate/adapter"), ("/models/gemma-2-2b-it-4bit", ""),
    ]  # fmt: skip
    identifier = page.presenter.chat.id
    page.new_button.click()
    assert page.presenter.comparing
    page.presenter.open(identifier)
    assert len(page.conversations[1].messages) == 2
    page.compare.setChecked(False)
    assert len(page.conversations) == 1


def test_chats_are_kept_found_renamed_deleted_and_brought_back(
    qtbot: Any, page: ChatPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(qtbot, page, "Tell me about oranges")
    page.new_button.click()
    say(qtbot, page, "Расскажи о яблоках")
    listed = page.history.model
    assert [listed.index(row).data() for row in range(2)] == ["Расскажи о яблоках", "Tell me about oranges"]
    page.history.search.setText("orang")
    qtbot.waitUntil(lambda: listed.rowCount() == 1, timeout=5_000)
    page.history.list.setCurrentIndex(listed.index(0))
    assert texts(page)[0] == "Tell me about oranges"
    monkeypatch.setattr(QInputDialog, "getText", lambda *_args, **_named: ("Citrus", True))
    page.history.search.setText("")
    page.history._on_search()
    page.history.rename.trigger()
    assert page.header.subtitle.whole() == "Tell me about oranges" or page.presenter.chat.title == "Citrus"
    undo: list[Any] = []
    page._services.session.undo_offered.connect(lambda _text, call: undo.append(call))
    page.history.delete.trigger()
    assert [listed.index(row).data() for row in range(listed.rowCount())] == ["Расскажи о яблоках"]
    assert texts(page) == []
    undo[0]()
    assert "Citrus" in [listed.index(row).data() for row in range(listed.rowCount())]


def test_a_chat_is_there_again_after_a_restart(qtbot: Any, page: ChatPage, tmp_path: Path) -> None:
    say(qtbot, page, "Remember me")
    page.settings.system.setPlainText("Be brief.")
    page.settings.flush()
    again = ChatPresenter(page._services)
    lines: list[Any] = []
    again.list_changed.connect(lines.extend)
    again.refresh()
    again.open(lines[0].id)
    assert [turn.content for turn in again.path(0)] == texts(page)
    assert again.chat.system == "Be brief."
    again.close()


def test_export_writes_what_was_said(
    qtbot: Any, page: ChatPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(qtbot, page, "Tell me about oranges")
    for action, name in ((page.history.export_markdown, "a.md"), (page.history.export_json, "a.json")):
        target = str(tmp_path / name)
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_args, target=target: (target, ""))
        action.trigger()
    assert "**You:**\n\nTell me about oranges" in (tmp_path / "a.md").read_text()
    assert json.loads((tmp_path / "a.json").read_text())["title"] == "Tell me about oranges"


def test_a_chat_that_is_left_while_it_answers_keeps_what_was_said(qtbot: Any, page: ChatPage) -> None:
    page.composer.editor.setPlainText("Tell me slowly.")
    page.composer.send.click()
    qtbot.waitUntil(lambda: len(page.presenter.path(0)[-1].content) > 4, timeout=20_000)
    identifier = page.presenter.chat.id
    page.new_button.click()
    say(qtbot, page, "Another one")
    assert texts(page)[0] == "Another one" and len(texts(page)) == 2
    page.presenter.open(identifier)
    assert texts(page)[0] == "Tell me slowly." and 4 < len(texts(page)[1]) < 90


def test_a_killed_worker_is_told_and_the_next_question_loads_anew(qtbot: Any, page: ChatPage) -> None:
    say(qtbot, page)
    pid = page.presenter.sides[0]._worker.pid
    page.composer.editor.setPlainText("And then, slowly?")
    page.composer.send.click()
    qtbot.waitUntil(lambda: len(page.presenter.path(0)[-1].content) > 4, timeout=20_000)
    os.kill(pid, signal.SIGKILL)
    wait(qtbot, page)
    assert "memory ran out" in page.banner.title.text()
    assert len(texts(page)) == 4 and "broke off" in page.conversations[0].messages[-1].figures.text()
    assert page.pickers[0].state.text() == "Not loaded"
    say(qtbot, page, "Are you back?")
    assert len(texts(page)) == 6


def test_a_model_that_cannot_be_loaded_is_told_and_the_question_stays(qtbot: Any, page: ChatPage) -> None:
    use_worker(page, "unreadable-model")
    say(qtbot, page, "Hello?")
    assert "cut off" in page.banner.title.text()
    assert texts(page) == ["Hello?"]
    assert page.presenter.may_send()


def test_sampling_and_system_text_belong_to_the_chat(qtbot: Any, page: ChatPage) -> None:
    page.settings_button.click()
    page.settings.sampling_preset.setCurrentIndex(1)
    page.settings.sampling_preset.activated.emit(1)
    assert page.presenter.sampling.temperature == 0.0
    say(qtbot, page)
    first = page.presenter.chat.id
    page.new_button.click()
    page.settings.form.field("temperature").set_value(1.5)
    assert page.presenter.sampling.temperature == 1.5
    page.presenter.open(first)
    assert page.presenter.sampling.temperature == 0.0
    assert page.settings.form.values()["temperature"] == 0.0


def test_nothing_is_sent_that_is_empty(qtbot: Any, page: ChatPage) -> None:
    page.composer.editor.setPlainText("  \n ")
    qtbot.keyClick(page.composer.editor, Qt.Key.Key_Return)
    assert texts(page) == []
    qtbot.keyClick(page.composer.editor, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert texts(page) == [] and "\n" in page.composer.editor.toPlainText()


def test_comparing_while_the_model_loads_loses_nothing(qtbot: Any, page: ChatPage) -> None:
    page._services.session.chat_with.emit("/models/gemma-2-2b-it-4bit", "/runs/pirate/adapter")
    assert page.presenter.sides[0].loading is not None
    page.compare.setChecked(True)
    say(qtbot, page)
    assert [len(texts(page, side)) for side in (0, 1)] == [2, 2]


def test_in_a_narrow_window_the_history_takes_the_conversations_place(qtbot: Any, page: ChatPage) -> None:
    say(qtbot, page, "First")
    page.new_button.click()
    page.resize(500, 600)
    assert not page.history.isVisible() and page.middle.isVisible()
    page.history_button.click()
    assert page.history.isVisible() and not page.middle.isVisible()
    page.history.list.setCurrentIndex(page.history.model.index(0))
    assert page.middle.isVisible() and texts(page)[0] == "First"


def test_stop_while_the_model_loads_frees_it_and_keeps_the_question(qtbot: Any, page: ChatPage) -> None:
    page.composer.editor.setPlainText("Hello?")
    page.composer.send.click()
    page.composer.stop.click()
    wait(qtbot, page)
    assert texts(page) == ["Hello?"] and page.presenter.sides[0].loaded is None
    assert not page.banner.isVisible()


def test_pages_that_are_built_after_the_models_were_listed_know_them(
    qtbot: Any, make_services: Callable[..., Services]
) -> None:
    from gui.finetune_page.view import build_page as build_finetune

    services = make_services("normal")
    with qtbot.waitSignal(services.library.listed, timeout=20_000):
        services.library.ensure()
    chat, finetune = ChatPage(services, ChatPresenter(services)), build_finetune(services)
    qtbot.addWidget(chat)
    qtbot.addWidget(finetune)
    assert chat.presenter.may_send() and chat.pickers[0].box.currentText() == "Demo Gemma"
    assert finetune.setup.model.currentText() == "Demo Gemma"
