"""The whole way on the real worker and the demo model: open, preview, fine-tune, chat, compare."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication

from gui.app import App, build, worker_program
from gui.chat_page.view import ChatPage
from gui.datasets_page.view import DatasetsPage
from gui.finetune_page.view import FinetunePage

LONG = 170_000
STEPS = 40
"""As many as it takes to learn the manner; the recipe makes more."""


@pytest.fixture
def app(qapp: QApplication, qtbot: Any, gemma_home: Path, project: Path) -> Iterator[App]:
    if not (project / "resources" / "demo" / "model" / "model.safetensors").is_file():
        pytest.skip("the demo model is not there")
    gemma_home.mkdir(parents=True, exist_ok=True)
    state = QSettings(str(gemma_home / "state.ini"), QSettings.Format.IniFormat)
    state.setValue("app/language", "en")
    state.setValue("app/appearance", "light")
    built = build(qapp, state=state, worker=worker_program(), root=gemma_home)
    qtbot.addWidget(built.window)
    built.window.show()
    yield built
    built.close()


@pytest.mark.slow
def test_from_a_dataset_to_a_tuned_model_that_answers(qtbot: Any, app: App) -> None:
    datasets, finetune, chat = (app.window.page_of(key) for key in ("datasets", "finetune", "chat"))
    assert isinstance(datasets, DatasetsPage) and isinstance(finetune, FinetunePage)
    assert isinstance(chat, ChatPage)

    def click(button: Any) -> None:
        assert button.isVisible() and button.isEnabled(), button.text()
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    # Open the dataset and see it as the model will.
    app.window.sidebar.select("datasets")
    qtbot.waitUntil(lambda: bool(app.services.library.usable), timeout=LONG)
    click(next(button for button in datasets.empty.buttons if "Demo" in button.text()))
    qtbot.waitUntil(lambda: datasets.train_button.isEnabled(), timeout=LONG)
    qtbot.waitUntil(lambda: bool(datasets.presenter.row(0)), timeout=LONG)
    pieces = datasets.presenter.row(0)[0].pieces
    assert any(piece.loss for piece in pieces) and any(piece.control for piece in pieces)

    # Fine-tune, with live loss.
    app.window.sidebar.select("finetune")
    click(finetune.setup.demo)
    setup = finetune.presenter.setup
    changes = {"steps": STEPS, "evaluate_every": STEPS, "save_every": STEPS}
    setup.change(training=setup.settings.training.model_copy(update=changes))
    prompt = setup.settings.training.sample_prompts[0]
    length = setup.settings.training.sample_tokens
    click(finetune.setup.start)
    path = finetune.presenter.live
    assert path is not None

    def losses() -> list[float]:
        return list(finetune.presenter.history(path).curve("train_loss")[1])

    qtbot.waitUntil(lambda: len(losses()) > 3, timeout=LONG)
    assert finetune.presenter.live == path, "the curve has to come while the run goes on"
    qtbot.waitUntil(lambda: finetune.presenter.live is None, timeout=LONG)
    assert not finetune.banner.isVisible(), finetune.banner.title.text()
    assert finetune.run_view.badge.text() == "Finished"
    assert len(losses()) == STEPS and sum(losses()[-5:]) < 0.8 * sum(losses()[:5])
    history = finetune.presenter.history(path)
    assert history.sampled_steps() == [0, STEPS]
    assert history.curve("validation_loss")[0] == [STEPS]

    # Chat with what was learned.
    click(finetune.run_view.chat)
    assert app.window.current == "chat"
    assert chat.pickers[0].box.currentText().endswith("+ pirate")
    chat.presenter.set_sampling(
        chat.presenter.sampling.model_copy(update={"temperature": 0.0, "max_tokens": length})
    )
    click(chat.compare)
    chat.composer.editor.setPlainText(prompt)
    click(chat.composer.send)
    qtbot.waitUntil(lambda: not chat.presenter.busy, timeout=LONG)
    assert not chat.banner.isVisible(), chat.banner.title.text()
    tuned, base = (chat.presenter.path(side)[-1] for side in (0, 1))
    # The same words as in the run's samples, which the trainer made with the adapter on and off.
    assert base.content == history.sample(0, prompt)
    assert tuned.content == history.sample(STEPS, prompt)
    assert tuned.content != base.content
    for message in (chat.conversations[0].messages[-1], chat.conversations[1].messages[-1]):
        assert "tokens/s" in message.figures.text() and "first after" in message.figures.text()
    assert chat.composer.context.maximum() > chat.composer.context.value() > 0
    assert chat.history.model.rowCount() == 1
