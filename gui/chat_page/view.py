"""The page "Chat": history, one or two conversations with their models, composer, settings of the chat."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gui.chat_page.composer import Composer
from gui.chat_page.conversation_view import ConversationView
from gui.chat_page.history_view import HistoryView
from gui.chat_page.model_picker import ModelPicker
from gui.chat_page.presenter import ChatPresenter
from gui.chat_page.settings_panel import SettingsPanel
from gui.services import Page, Services
from gui.theme import SPACE
from gui.widgets.banner import Banner
from gui.widgets.empty_state import EmptyState
from gui.widgets.header import PageHeader
from gui.widgets.labels import Card
from gui.worker_client import Failure

ROOM_FOR_TWO, ROOM_FOR_ALL = (78, 540), (112, 820)
"""Letters and pixels of width from which the history (and the settings) stand beside the conversation."""
ROOM_FOR_SETTINGS = (72, 520)
"""The same for the settings alone; with less they come in the conversation's place."""
ROOM_FOR_COLUMNS = (64, 480)
"""The same for two answers side by side; with less they stand one above the other."""


def build_page(services: Services) -> Page:
    """The page, ready to be shown."""
    return ChatPage(services, ChatPresenter(services))


class ChatPage(Page):
    """Layout and signals; every decision is the presenter's."""

    def __init__(self, services: Services, presenter: ChatPresenter) -> None:
        super().__init__()
        self._services, self.presenter = services, presenter
        presenter.setParent(self)
        self.banner = Banner(services.theme)
        self._history_wanted, self._history_over = True, False
        self.header = PageHeader(self.tr("Chat"))
        self.new_button = QPushButton(self.tr("New Chat"))
        self.new_button.clicked.connect(self.new)
        self.history_button = QPushButton(self.tr("History"))
        self.history_button.setCheckable(True)
        self.history_button.setChecked(True)
        self.history_button.toggled.connect(self._on_history)
        self.compare = QPushButton(self.tr("Compare"))
        self.compare.setCheckable(True)
        self.compare.setToolTip(self.tr("One prompt, two models side by side"))
        self.compare.toggled.connect(presenter.set_compare)
        self.settings_button = QPushButton(self.tr("Settings"))
        self.settings_button.setCheckable(True)
        self.settings_button.toggled.connect(self._fit)
        for button in (self.new_button, self.history_button, self.compare, self.settings_button):
            self.header.add(button)
        self.history = HistoryView(services, presenter)
        self.settings = SettingsPanel(presenter)
        self.composer = Composer(services.theme)
        self.composer.sent.connect(self._on_sent)
        self.composer.stopped.connect(presenter.stop)
        self.pickers: list[ModelPicker] = []
        self.conversations: list[ConversationView] = []
        self.empties: list[EmptyState] = []
        self._stacks: list[QStackedWidget] = []
        self.sides = QWidget()
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight, self.sides)
        self._sides.setContentsMargins(0, 0, 0, 0)
        self._sides.setSpacing(SPACE)
        self.middle = middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(SPACE)
        column.addWidget(self.sides, 1)
        column.addWidget(self.composer)
        middle.setMinimumWidth(260)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.setHandleWidth(SPACE + SPACE // 2)
        self.splitter.setChildrenCollapsible(False)
        for widget, share in ((self.history, 0), (middle, 1), (self.settings, 0)):
            self.splitter.addWidget(widget)
            self.splitter.setStretchFactor(self.splitter.count() - 1, share)
        self.settings.hide()
        self.splitter.setSizes([230, 700, 280])
        self.no_models = EmptyState(
            services.theme, "chat", self.tr("There is no model to talk to yet"),
            self.tr("A chat needs a Gemma on this computer. Download or import one, then come back here."),
            [(self.tr("Go to Models"), self._go_to_models)],
        )  # fmt: skip
        self.content = QStackedWidget()
        self.content.addWidget(self.splitter)
        self.content.addWidget(self.no_models)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 2 * SPACE + SPACE // 2, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + SPACE // 2)
        layout.addWidget(self.header)
        layout.addWidget(self.banner)
        layout.addWidget(self.content, 1)
        presenter.chat_changed.connect(self._show_chat)
        presenter.path_changed.connect(self._show_path)
        presenter.turn_grew.connect(self._show_growth)
        presenter.side_changed.connect(self._show_side)
        presenter.failed.connect(self._show_failure)
        services.library.listed.connect(self._on_listed)
        self.destroyed.connect(presenter.close)
        self._show_chat()
        presenter.refresh()
        if services.library.known:
            self._on_listed()

    def shown(self) -> None:
        self._services.library.ensure()
        self.composer.editor.setFocus()

    def new(self) -> None:
        self.settings.flush()
        self.presenter.new_chat()
        self.composer.editor.setFocus()

    def stop(self) -> None:
        self.presenter.stop()

    def running(self) -> str:
        return self.tr("An answer is being written.") if self.presenter.busy else ""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _show_chat(self) -> None:
        """Another chat: as many columns as it has sides."""
        count = len(self.presenter.chat.lanes)
        if len(self.conversations) != count:
            self._build_sides(count)
        self.compare.blockSignals(True)
        self.compare.setChecked(self.presenter.comparing)
        self.compare.blockSignals(False)
        self.banner.clear()
        self.settings.refresh()
        self.header.subtitle.set_whole(
            self.presenter.chat.title or self.tr("Everything stays on this computer")
        )
        for number in range(count):
            self.pickers[number].refresh()
            self._show_path(number)
            self.conversations[number].to_end()
        self.history.mark_open()
        self._history_over = False
        self._fit()

    def _build_sides(self, count: int) -> None:
        while (item := self._sides.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self.pickers, self.conversations, self.empties, self._stacks = [], [], [], []
        for number in range(count):
            picker = ModelPicker(self._services, self.presenter, number)
            picker.chosen.connect(lambda model, adapter, side=number: self._on_chosen(side, model, adapter))
            picker.ejected.connect(lambda side=number: self.presenter.eject(side))
            conversation = ConversationView(self._services, self.presenter, number)
            stack = QStackedWidget()
            stack.addWidget(conversation)
            empty = self._empty(number)
            stack.addWidget(empty)
            card = Card(margin=SPACE + SPACE // 2)
            card.body.addWidget(picker)
            card.body.addWidget(stack, 1)
            self._sides.addWidget(card, 1)
            self.pickers.append(picker)
            self.conversations.append(conversation)
            self.empties.append(empty)
            self._stacks.append(stack)

    def _empty(self, number: int) -> EmptyState:
        if number > 0:
            text = self.tr("Its answers to the same prompts appear here.")
            return EmptyState(self._services.theme, "compare", self.tr("The other side"), text, [])
        text = self.tr("Type below, or try one of these.")
        prompts = (self.tr("What is the capital of Italy?"), self.tr("What is 12 plus 7?"))
        actions = [(prompt, lambda prompt=prompt: self._on_sent(prompt)) for prompt in prompts]
        return EmptyState(self._services.theme, "chat", self.tr("Ask something"), text, actions)

    def _show_path(self, side: int) -> None:
        if side >= len(self.conversations):
            return
        self.conversations[side].refresh()
        said = bool(self.conversations[side].messages)
        self._stacks[side].setCurrentIndex(0 if said else 1)
        self.header.subtitle.set_whole(
            self.presenter.chat.title or self.tr("Everything stays on this computer")
        )
        self._show_state()

    def _show_growth(self, side: int, turn: int) -> None:
        if side < len(self.conversations):
            self.conversations[side].grow(turn)

    def _show_side(self, side: int) -> None:
        if side < len(self.pickers):
            self.pickers[side].refresh()
            self.conversations[side].refresh_states()
            self._show_state()

    def _show_state(self) -> None:
        self.composer.show_state(busy=self.presenter.busy, may_send=self.presenter.may_send())
        self.composer.show_context(*self.presenter.context_use(0))

    def _on_sent(self, text: str) -> None:
        self.settings.flush()
        self.banner.clear()
        if self.presenter.send(text):
            self.composer.clear()
            for conversation in self.conversations:
                conversation.to_end()

    def _on_chosen(self, side: int, model: str, adapter: str) -> None:
        self.banner.clear()
        self.presenter.choose(side, model, adapter)
        self.conversations[side].refresh()

    def _on_listed(self) -> None:
        empty = not self._services.library.usable and not self.presenter.chat.lanes[0].model
        self.content.setCurrentWidget(self.no_models if empty else self.splitter)

    def _go_to_models(self) -> None:
        self._services.session.page_requested.emit("models")

    def _show_failure(self, failure: Failure) -> None:
        self.banner.show_failure(failure)

    def _is_narrow(self) -> bool:
        """Whether history and conversation do not fit beside each other."""
        letters, pixels = ROOM_FOR_ALL if self.settings_button.isChecked() else ROOM_FOR_TWO
        column = (30, 220) if self.presenter.comparing else (0, 0)
        return not self._has_room((letters + column[0], pixels + column[1]))

    def _has_room(self, needed: tuple[int, int]) -> bool:
        """Whether the page is so many letters and so many pixels wide."""
        letters, pixels = needed
        return self.width() >= max(self.fontMetrics().averageCharWidth() * letters, pixels)

    def _on_history(self, on: bool) -> None:
        if self._is_narrow():
            self._history_over = on
        else:
            self._history_wanted = on
        self._fit()

    def _fit(self) -> None:
        """Where room is short, the history comes in the conversation's place while it is asked for."""
        narrow = self._is_narrow()
        history = self._history_over if narrow else self._history_wanted
        settings = self.settings_button.isChecked() and not (narrow and history)
        self.history.setVisible(history)
        self.settings.setVisible(settings)
        self.middle.setVisible(
            not (narrow and history) and (not settings or self._has_room(ROOM_FOR_SETTINGS))
        )
        flow = QBoxLayout.Direction
        columns = self._has_room(ROOM_FOR_COLUMNS) or not self.presenter.comparing
        self._sides.setDirection(flow.LeftToRight if columns else flow.TopToBottom)
        self.history_button.blockSignals(True)
        self.history_button.setChecked(history)
        self.history_button.blockSignals(False)
