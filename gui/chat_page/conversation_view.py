"""The messages of one side, one below the other; it follows the stream while its end is in sight."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.chat_page.message_view import MessageView
from gui.chat_page.presenter import ChatPresenter, side_name
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.scrolling import scroll_page

NEAR = 40
"""Pixels from the end within which the view keeps following."""


class ConversationView(QFrame):
    """A message's widget lives as long as its turn is on the path."""

    def __init__(self, services: Services, presenter: ChatPresenter, side: int) -> None:
        super().__init__()
        self._services, self._presenter, self._side = services, presenter, side
        self._following = True
        self.messages: list[MessageView] = []
        content = QWidget()
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, SPACE, 0)
        self._column.setSpacing(SPACE)
        self._column.addStretch(1)
        self.area: QScrollArea = scroll_page(content)
        self.area.setAccessibleName(self.tr("Conversation"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.area)
        bar = self.area.verticalScrollBar()
        bar.valueChanged.connect(self._on_scrolled)
        bar.rangeChanged.connect(self._on_range)

    def refresh(self) -> None:
        """Show the path as it is now."""
        if self._side >= len(self._presenter.chat.lanes):
            return
        path = self._presenter.path(self._side)
        same = 0
        while same < min(len(path), len(self.messages)) and self.messages[same].turn is path[same]:
            same += 1
        for message in self.messages[same:]:
            self._column.removeWidget(message)
            message.hide()
            message.deleteLater()
        del self.messages[same:]
        lane = self._presenter.chat.lanes[self._side]
        model = side_name(self._services, lane.model, lane.adapter) if lane.model else self.tr("Model")
        for turn in path[same:]:
            message = MessageView(
                self._services.theme, turn, self.tr("You") if turn.role == "user" else model
            )
            message.edited.connect(self._on_edited)
            message.regenerated.connect(self._on_regenerated)
            message.carried_on.connect(self._on_carried_on)
            message.stepped.connect(self._on_stepped)
            self._column.insertWidget(self._column.count() - 1, message)
            self.messages.append(message)
        self.refresh_states()

    def refresh_states(self) -> None:
        """Figures and buttons; the texts are those that there are."""
        busy = self._presenter.busy
        if self._side >= len(self._presenter.sides):
            return
        streaming = self._presenter.sides[self._side].turn
        for message in self.messages:
            message.refresh(
                self._presenter.siblings(self._side, message.turn.id),
                busy=busy,
                last=message is self.messages[-1],
                streaming=message.turn is streaming or (busy and not message.turn.content),
            )

    def grow(self, turn: int) -> None:
        """More text came for a turn."""
        for message in reversed(self.messages):
            if message.turn.id == turn:
                message.grow()
                return

    def to_end(self) -> None:
        """Follow from here."""
        self._following = True
        QTimer.singleShot(0, self, self._scroll)

    def _scroll(self) -> None:
        bar = self.area.verticalScrollBar()
        bar.setValue(bar.maximum())

    def _on_range(self, _low: int, high: int) -> None:
        if self._following:
            self.area.verticalScrollBar().setValue(high)

    def _on_scrolled(self, value: int) -> None:
        self._following = value >= self.area.verticalScrollBar().maximum() - NEAR

    def _on_edited(self, turn: int, text: str) -> None:
        self._presenter.edit(self._side, turn, text)

    def _on_regenerated(self, turn: int) -> None:
        self._presenter.regenerate(self._side, turn)

    def _on_carried_on(self, turn: int) -> None:
        self._presenter.carry_on(self._side, turn)

    def _on_stepped(self, turn: int, by: int) -> None:
        self._presenter.step(self._side, turn, by)
