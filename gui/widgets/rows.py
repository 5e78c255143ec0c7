"""Draws list rows of two lines with an icon and a badge, as Mac lists have them."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from gui.theme import SPACE, Theme
from gui.widgets.labels import SCALES

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True)
class RowRoles:
    """Where a list's Qt model keeps what is drawn; the first line is the display role.

    `badge` holds a tuple of wordings, the longest first; the first that has room is drawn.
    """

    line: int
    badge: int
    tone: int
    icon: int
    elide: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle
    """Of names such as models' the end matters too; of titles the beginning."""


class TwoLineDelegate(QStyledItemDelegate):
    """A name, a line below it in a softer colour, a badge at the right."""

    def __init__(self, theme: Theme, view: QAbstractItemView, roles: RowRoles) -> None:
        super().__init__(view)
        self._theme = theme
        self._roles = roles
        theme.changed.connect(view.viewport().update)

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        small = QFontMetrics(_small(option.font))
        return QSize(200, option.fontMetrics.height() + small.height() + 2 * SPACE + SPACE // 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme = self._theme
        area = option.rect.adjusted(2, 1, -2, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._background(painter, option, area)
        inside = area.adjusted(SPACE, 0, -SPACE, 0)
        icon = index.data(self._roles.icon)
        if icon:
            size = max(22, round(option.fontMetrics.height() * 1.25))
            top = inside.center().y() - size // 2
            token = "danger" if icon in ("warning", "error") else "text_secondary"
            theme.icon(icon, token, size).paint(painter, inside.left(), top, size, size)
            inside.setLeft(inside.left() + size + SPACE + SPACE // 2)
        badges = index.data(self._roles.badge) or ()
        if badges:
            inside.setRight(self._badge(painter, option, inside, index))
        self._texts(painter, option, inside, index)
        painter.restore()

    def _background(self, painter: QPainter, option: QStyleOptionViewItem, area: QRect) -> None:
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        if selected or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("selection" if selected else "hover"))
            painter.drawRoundedRect(QRectF(area), 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self._theme.color("accent"))
            painter.drawRoundedRect(QRectF(area).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)

    def _badge(self, painter: QPainter, option: QStyleOptionViewItem, inside: QRect, index: Index) -> int:
        """Draw the badge at the right, the longest wording that has room; gives where the texts must end."""
        font = _small(option.font)
        metrics = QFontMetrics(font)
        name_width = option.fontMetrics.horizontalAdvance(str(index.data())) + 6 * SPACE
        room = max(inside.width() // 3, inside.width() - name_width)
        wordings: tuple[str, ...] = index.data(self._roles.badge)
        fitting = [text for text in wordings if metrics.horizontalAdvance(text) <= room]
        shown = fitting[0] if fitting else metrics.elidedText(wordings[-1], Qt.TextElideMode.ElideRight, room)
        tone = index.data(self._roles.tone) or ""
        width, height = metrics.horizontalAdvance(shown) + 2 * SPACE, metrics.height() + SPACE // 2
        box = QRect(inside.right() - width, inside.center().y() - height // 2, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(f"{tone}_soft" if tone else "hover"))
        painter.drawRoundedRect(QRectF(box), 6, 6)
        painter.setPen(self._theme.color(tone or "text_secondary"))
        painter.setFont(font)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)
        return box.left() - SPACE

    def _texts(self, painter: QPainter, option: QStyleOptionViewItem, inside: QRect, index: Index) -> None:
        name_font = QFont(option.font)
        name_font.setWeight(QFont.Weight.Medium)
        names, small = QFontMetrics(name_font), _small(option.font)
        lines = QFontMetrics(small)
        top = inside.center().y() - (names.height() + lines.height()) // 2
        place = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        name = names.elidedText(str(index.data()), self._roles.elide, inside.width())
        painter.setFont(name_font)
        painter.setPen(self._theme.color("text"))
        painter.drawText(QRect(inside.left(), top, inside.width(), names.height()), place, name)
        line = lines.elidedText(
            index.data(self._roles.line) or "", Qt.TextElideMode.ElideRight, inside.width()
        )
        painter.setFont(small)
        painter.setPen(self._theme.color("text_secondary"))
        painter.drawText(
            QRect(inside.left(), top + names.height(), inside.width(), lines.height()), place, line
        )


def _small(font: QFont) -> QFont:
    smaller = QFont(font)
    smaller.setPointSizeF(font.pointSizeF() * SCALES["small"])
    return smaller
