"""A form made from a settings class: label, help, limits, the error beside its field, groups, Advanced."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, Signal
from PySide6.QtGui import QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from gemma_mlx.declaring import Settings
from gui.theme import SPACE
from gui.widgets.fields import Field, field_for
from gui.widgets.labels import heading, label


def setting_text(text: str) -> str:
    """A label or help of the settings classes in the user's language (context "Settings")."""
    return QCoreApplication.translate("Settings", text)


class _Row:
    """The widgets of one field."""

    def __init__(self, name: str, field: Field, caption: QLabel, about: QLabel, error: QLabel) -> None:
        self.name, self.field, self.caption, self.about, self.error = name, field, caption, about, error

    def show_error(self, text: str) -> None:
        self.error.setText(text)
        self.error.setVisible(bool(text))
        self.about.setVisible(not text)


class ConfigForm(QWidget):
    """Edits one settings class. `values()` gives what is typed, `settings()` the checked object or None.

    Fields that are not "advanced" come first; the others fold behind a button. Nested settings classes are
    not shown: give each of them a form of its own. `hidden` names fields that the page asks for elsewhere;
    `stacked` puts labels above their fields, for narrow places.
    """

    edited = Signal()
    """After each change, valid or not; ask `settings()`."""

    def __init__(
        self,
        kind: type[Settings],
        *,
        hidden: tuple[str, ...] = (),
        foldable: bool = True,
        stacked: bool = False,
    ) -> None:
        super().__init__()
        self._stacked = stacked
        self._kind = kind
        self._base: dict[str, Any] = {}
        self._rows: dict[str, _Row] = {}
        self._general = label("", "error")
        self._general.hide()
        self._plain, self._advanced = QVBoxLayout(), QVBoxLayout()
        self._fold = QWidget()
        self._fold.setLayout(self._advanced)
        self._toggle = QToolButton()
        self._toggle.setText(self.tr("Advanced"))
        self._toggle.setCheckable(True)
        self._toggle.setAutoRaise(True)
        self._toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._toggle.setArrowType(Qt.ArrowType.RightArrow)
        self._toggle.toggled.connect(self.show_advanced)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self._general)
        layout.addLayout(self._plain)
        layout.addWidget(self._toggle, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._fold)
        for section in (self._plain, self._advanced):
            section.setContentsMargins(0, 0, 0, 0)
            section.setSpacing(SPACE)
        self._fill(hidden, foldable)
        self.set_settings(kind())

    def settings(self) -> Settings | None:
        """The checked settings; None while a field is wrong (the errors stand beside the fields)."""
        try:
            return self._kind.model_validate({**self._base, **self.values()})
        except ValidationError:
            return None

    def values(self) -> dict[str, Any]:
        """What is typed, by field name; text that is no number stays text and is refused on checking."""
        return {name: row.field.value() for name, row in self._rows.items()}

    def set_settings(self, settings: Settings) -> None:
        """Show these settings. Fields that are not in the form keep the values given here."""
        self._base = {name: getattr(settings, name) for name in type(settings).model_fields}
        for name, row in self._rows.items():
            row.field.set_value(self._base[name])
        self.check()

    def check(self) -> bool:
        """Look at every field, write errors beside them; whether all are right."""
        problems: dict[str, str] = {}
        try:
            self._kind.model_validate({**self._base, **self.values()})
        except ValidationError as refused:
            for issue in refused.errors():
                name, text = _locate(issue, self._rows)
                problems.setdefault(name, text)
        for name, row in self._rows.items():
            row.show_error(problems.pop(name, ""))
        self._general.setText("\n".join(problems.values()))
        self._general.setVisible(bool(problems))
        return self.settings() is not None

    def show_advanced(self, shown: bool) -> None:
        """Fold or unfold the advanced fields."""
        self._fold.setVisible(shown)
        self._toggle.setChecked(shown)
        self._toggle.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)

    def field(self, name: str) -> Field:
        """The editor of one field, for pages that must reach it."""
        return self._rows[name].field

    def error_of(self, name: str) -> str:
        """The error that stands beside a field, or ""."""
        return self._rows[name].error.text()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Help texts wrap; without this a scroll area or dialog would squeeze the rows."""
        super().resizeEvent(event)
        layout = self.layout()
        if layout is not None:
            self.setMinimumHeight(layout.heightForWidth(self.width()))

    def _fill(self, hidden: tuple[str, ...], foldable: bool) -> None:
        groups: dict[tuple[bool, str], QGridLayout] = {}
        for name, info in self._kind.model_fields.items():
            extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
            if name in hidden or "group" not in extra:
                continue
            advanced = bool(extra.get("advanced")) and foldable
            key = (advanced, str(extra["group"]))
            if key not in groups:
                groups[key] = self._group(key[1], self._advanced if advanced else self._plain, advanced)
            self._add_row(name, info, str(extra.get("unit", "")), groups[key])
        has_advanced = any(advanced for advanced, _group in groups)
        self._toggle.setVisible(has_advanced)
        self.show_advanced(False)

    def _group(self, name: str, into: QVBoxLayout, titled: bool) -> QGridLayout:
        if titled:
            into.addWidget(heading(setting_text(name)))
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * SPACE)
        grid.setVerticalSpacing(SPACE // 2)
        grid.setColumnStretch(0 if self._stacked else 1, 1)
        into.addLayout(grid)
        return grid

    def _add_row(self, name: str, info: Any, unit: str, grid: QGridLayout) -> None:
        title = setting_text(info.title or name)
        help_text = setting_text(info.description or "")
        field = field_for(info, setting_text(unit) if unit else "")
        field.widget.setAccessibleName(title)
        field.widget.setAccessibleDescription(help_text)
        field.widget.setToolTip(help_text)
        field.widget.installEventFilter(self)
        field.widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        caption = label(title)
        caption.setBuddy(field.widget)
        caption.setMinimumWidth(110)
        about = label(help_text, "secondary", scale="small")
        error = label("", "error", scale="small")
        error.hide()
        top = grid.rowCount()
        if self._stacked:
            field.stretch()
            for line, widget in enumerate((caption, field.widget, about, error)):
                grid.addWidget(widget, top + line, 0)
            grid.setRowMinimumHeight(top + 4, SPACE)
            field.changed.connect(self._on_change)
            self._rows[name] = _Row(name, field, caption, about, error)
            return
        grid.addWidget(caption, top, 0, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(
            field.widget, top, 1, Qt.AlignmentFlag.AlignLeft if field.narrow else Qt.AlignmentFlag(0)
        )
        grid.addWidget(about, top + 1, 1)
        grid.addWidget(error, top + 2, 1)
        grid.setRowMinimumHeight(top + 3, SPACE // 2)
        field.changed.connect(self._on_change)
        self._rows[name] = _Row(name, field, caption, about, error)

    def _on_change(self) -> None:
        self.check()
        self.edited.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A wheel over a field that is not in use scrolls the page, not the value."""
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def _locate(issue: Any, rows: dict[str, _Row]) -> tuple[str, str]:
    """The field that an error belongs to, and its text. A rule over several fields starts with one's name."""
    place = str(issue["loc"][0]) if issue["loc"] else ""
    text = str(issue["msg"]).removeprefix("Value error, ")
    if not place and ":" in text and text.split(":")[0] in rows:
        place, text = text.split(":")[0], text.split(":", 1)[1].strip()
    limits = issue.get("ctx", {})
    messages = {
        "greater_than": QCoreApplication.translate("ConfigForm", "Must be more than {gt}."),
        "greater_than_equal": QCoreApplication.translate("ConfigForm", "Must be at least {ge}."),
        "less_than": QCoreApplication.translate("ConfigForm", "Must be less than {lt}."),
        "less_than_equal": QCoreApplication.translate("ConfigForm", "Must be at most {le}."),
        "float_parsing": QCoreApplication.translate("ConfigForm", "Must be a number."),
        "float_type": QCoreApplication.translate("ConfigForm", "Must be a number."),
        "int_parsing": QCoreApplication.translate("ConfigForm", "Must be a whole number."),
        "int_type": QCoreApplication.translate("ConfigForm", "Must be a whole number."),
        "int_from_float": QCoreApplication.translate("ConfigForm", "Must be a whole number."),
    }
    if issue["type"] in messages:
        text = messages[issue["type"]].format(**limits)
    return place or "*", text
