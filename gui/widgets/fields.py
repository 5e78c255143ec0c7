"""One editor for each kind of setting: number, choice, switch, text, list, mapping."""

from __future__ import annotations

import json
import sys
import types
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from PySide6.QtCore import QCoreApplication, QObject, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QPlainTextEdit, QSpinBox, QWidget

LARGEST_SPIN = 2**31 - 1
FIELD_WIDTH = 200


def choice_text(choice: Any) -> str:
    """What one of a setting's values is called."""
    tr = QCoreApplication.translate
    names = {
        "completions": tr("Settings", "Answers only"),
        "all": tr("Settings", "All text"),
        "refuse": tr("Settings", "Refuse the dataset"),
        "leave_out": tr("Settings", "Leave them out"),
        "sft": tr("Settings", "Supervised answers (SFT)"),
        "dpo": tr("Settings", "Preferences (DPO)"),
        "orpo": tr("Settings", "Preferences (ORPO)"),
        "lora": tr("Settings", "Adapter (LoRA)"),
        "full": tr("Settings", "All weights"),
        "linear": tr("Settings", "Linear"),
        "cosine": tr("Settings", "Cosine"),
        "constant": tr("Settings", "Constant"),
        "adamw": "AdamW",
        "adafactor": "Adafactor",
        "lion": "Lion",
        "auto": tr("Settings", "Automatic"),
        "packed": tr("Settings", "Packed"),
        "padded": tr("Settings", "Padded"),
        "affine": tr("Settings", "Affine"),
        "mxfp4": "MXFP4",
        "mxfp8": "MXFP8",
        "nvfp4": "NVFP4",
    }
    return names.get(choice, str(choice))


class Field(QObject):
    """An editor of one value. `widget` is what the form shows."""

    changed = Signal()
    narrow = True

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.widget = widget

    def stretch(self) -> None:
        """Take all the width of a narrow place."""
        self.widget.setMinimumWidth(80)
        self.widget.setMaximumWidth(16_777_215)

    def value(self) -> Any:
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        raise NotImplementedError


class SwitchField(Field):
    """True or false."""

    def __init__(self) -> None:
        self.box = QCheckBox()
        super().__init__(self.box)
        self.box.toggled.connect(lambda _on: self.changed.emit())

    def value(self) -> bool:
        return self.box.isChecked()

    def set_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))


class ChoiceField(Field):
    """One of a few values; with `optional`, "Automatic" (None) besides."""

    def __init__(self, choices: tuple[Any, ...], optional: bool) -> None:
        self.box = QComboBox()
        super().__init__(self.box)
        if optional:
            self.box.addItem(QCoreApplication.translate("ConfigForm", "Automatic"), None)
        for choice in choices:
            self.box.addItem(choice_text(choice), choice)
        self.box.setMinimumWidth(FIELD_WIDTH)
        self.box.currentIndexChanged.connect(lambda _index: self.changed.emit())

    def value(self) -> Any:
        return self.box.currentData()

    def set_value(self, value: Any) -> None:
        self.box.setCurrentIndex(max(0, self.box.findData(value)))


class WholeField(Field):
    """A whole number within limits that a spin box can show."""

    def __init__(self, low: int, high: int, unit: str) -> None:
        self.box = QSpinBox()
        super().__init__(self.box)
        self.box.setRange(low, high)
        self.box.setGroupSeparatorShown(True)
        self.box.setKeyboardTracking(True)
        self.box.setAccelerated(True)
        self.box.setFixedWidth(FIELD_WIDTH)
        if sys.platform != "darwin":
            self.box.lineEdit().setTextMargins(5, 0, 0, 0)  # a style sheet's padding does not reach it
        if unit:
            self.box.setSuffix(f" {unit}")
        self.box.valueChanged.connect(lambda _value: self.changed.emit())

    def value(self) -> int:
        return self.box.value()

    def set_value(self, value: Any) -> None:
        self.box.setValue(int(value))


class NumberField(Field):
    """Any number as text: 2e-4 stays 2e-4. Empty is None where the setting may be left automatic."""

    def __init__(self, whole: bool, optional: bool, unit: str) -> None:
        self.line = QLineEdit()
        super().__init__(self.line)
        self._whole, self._optional = whole, optional
        automatic = QCoreApplication.translate("ConfigForm", "Automatic") if optional else ""
        self.line.setPlaceholderText(f"{automatic} ({unit})" if automatic and unit else automatic or unit)
        self.line.setFixedWidth(FIELD_WIDTH)
        self.line.textChanged.connect(lambda _text: self.changed.emit())

    def value(self) -> Any:
        text = self.line.text().strip().replace("\u2212", "-")
        if not text:
            return None
        try:
            return (
                int(text.replace("_", "").replace("\u202f", ""))
                if self._whole
                else float(text.replace(",", "."))
            )
        except ValueError:
            return text

    def set_value(self, value: Any) -> None:
        self.line.setText("" if value is None else f"{value:g}" if isinstance(value, float) else str(value))


class TextField(Field):
    """A line of text."""

    narrow = False

    def __init__(self) -> None:
        self.line = QLineEdit()
        super().__init__(self.line)
        self.line.textChanged.connect(lambda _text: self.changed.emit())

    def value(self) -> str:
        return self.line.text()

    def set_value(self, value: Any) -> None:
        self.line.setText(str(value))


class LinesField(Field):
    """A list of texts, one a line."""

    narrow = False

    def __init__(self) -> None:
        self.box = QPlainTextEdit()
        super().__init__(self.box)
        self.box.setTabChangesFocus(True)
        self.box.setPlaceholderText(QCoreApplication.translate("ConfigForm", "One a line"))
        self.box.setFixedHeight(self.box.fontMetrics().height() * 3 + 14)
        self.box.textChanged.connect(self.changed)

    def value(self) -> list[str]:
        return [line for line in self.box.toPlainText().splitlines() if line.strip()]

    def set_value(self, value: Any) -> None:
        self.box.setPlainText("\n".join(value))


class WordsField(Field):
    """A short list of names or numbers, separated by commas."""

    narrow = False

    def __init__(self, whole: bool, optional: bool) -> None:
        self.line = QLineEdit()
        super().__init__(self.line)
        self._whole, self._optional = whole, optional
        hint = QCoreApplication.translate("ConfigForm", "Automatic") if optional else ""
        self.line.setPlaceholderText(hint or QCoreApplication.translate("ConfigForm", "Separated by commas"))
        self.line.textChanged.connect(lambda _text: self.changed.emit())

    def value(self) -> Any:
        words = [word.strip() for word in self.line.text().split(",") if word.strip()]
        if not words and self._optional:
            return None
        if not self._whole:
            return words
        return [int(word) if word.lstrip("-").isdigit() else word for word in words]

    def set_value(self, value: Any) -> None:
        self.line.setText(", ".join(str(word) for word in value or ()))


class MappingField(Field):
    """Names to values, as JSON."""

    narrow = False

    def __init__(self) -> None:
        self.line = QLineEdit()
        super().__init__(self.line)
        self.line.setPlaceholderText("{ }")
        self.line.textChanged.connect(lambda _text: self.changed.emit())

    def value(self) -> Any:
        text = self.line.text().strip()
        if not text:
            return {}
        try:
            return json.loads(text)
        except ValueError:
            return text

    def set_value(self, value: Any) -> None:
        self.line.setText(json.dumps(value, ensure_ascii=False) if value else "")


def field_for(info: FieldInfo, unit: str = "") -> Field:
    """The editor that fits a field of a settings class."""
    kind: Any = info.annotation
    optional = False
    if get_origin(kind) in (Union, types.UnionType):
        members = [member for member in get_args(kind) if member is not type(None)]
        optional = len(members) < len(get_args(kind))
        kind = members[0]
    if get_origin(kind) is Literal:
        return ChoiceField(get_args(kind), optional)
    if kind is bool:
        return SwitchField()
    if kind is int:
        low, high = _limits(info)
        if optional or high > LARGEST_SPIN:
            return NumberField(True, optional, unit)
        return WholeField(low, high, unit)
    if kind is float:
        return NumberField(False, optional, unit)
    if get_origin(kind) is list:
        (member,) = get_args(kind)
        if member is str and info.json_schema_extra and "prompts" in str(info.title).lower():
            return LinesField()
        return WordsField(member is int, optional)
    if get_origin(kind) is dict:
        return MappingField()
    return TextField()


def _limits(info: FieldInfo) -> tuple[int, int]:
    """The whole numbers that a field allows; where no upper limit is declared, what a spin box can show."""
    low, high = -LARGEST_SPIN, LARGEST_SPIN
    for rule in info.metadata:
        if isinstance(rule, Ge):
            low = int(rule.ge)  # type: ignore[call-overload]
        elif isinstance(rule, Gt):
            low = int(rule.gt) + 1  # type: ignore[call-overload]
        elif isinstance(rule, Le):
            high = int(rule.le)  # type: ignore[call-overload]
        elif isinstance(rule, Lt):
            high = int(rule.lt) - 1  # type: ignore[call-overload]
    return low, high
