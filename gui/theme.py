"""How the app looks: one table of tokens, light and dark; palette, style sheet and icons made from it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from gui.assets import asset

Mode = Literal["system", "light", "dark"]


@dataclass(frozen=True)
class Tokens:
    """Colours by meaning. Text tokens reach WCAG AA (4.5 : 1) on every surface they are used on (tested)."""

    window: str
    sidebar: str
    card: str
    raised: str
    field: str
    field_border: str
    button: str
    button_hover: str
    scroll: str
    border: str
    divider: str
    text: str
    text_secondary: str
    text_disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    hover: str
    success: str
    success_soft: str
    warning: str
    warning_soft: str
    danger: str
    danger_soft: str
    info_soft: str
    loss: str
    loss_soft: str
    control: str
    code: str
    chart_1: str
    chart_2: str
    chart_3: str
    chart_4: str
    chart_grid: str


LIGHT = Tokens(
    window="#f5f5f7",
    sidebar="#e9e9ee",
    card="#ffffff",
    raised="#fbfbfd",
    field="#ffffff",
    field_border="#88888f",
    button="#ffffff",
    button_hover="#f0f0f4",
    scroll="#b4b4bc",
    border="#d5d5db",
    divider="#e5e5ea",
    text="#1d1d1f",
    text_secondary="#5c5c63",
    text_disabled="#9a9aa1",
    accent="#0a66d6",
    accent_hover="#0958b8",
    on_accent="#ffffff",
    selection="#d7e6fb",
    hover="#ececf1",
    success="#1c6e33",
    success_soft="#e3f4e7",
    warning="#865200",
    warning_soft="#fdf1d8",
    danger="#b3261e",
    danger_soft="#fdebea",
    info_soft="#e6f0fd",
    loss="#0b5d2a",
    loss_soft="#d9f2e0",
    control="#7a3fa8",
    code="#f2f2f6",
    chart_1="#0a66d6",
    chart_2="#c2410c",
    chart_3="#1c7c3c",
    chart_4="#7c3aad",
    chart_grid="#d9d9df",
)

DARK = Tokens(
    window="#1e1e20",
    sidebar="#29292c",
    card="#2a2a2d",
    raised="#303034",
    field="#1f1f22",
    field_border="#7c7c84",
    button="#3a3a3e",
    button_hover="#46464b",
    scroll="#5e5e66",
    border="#434348",
    divider="#38383c",
    text="#f2f2f4",
    text_secondary="#b0b0b8",
    text_disabled="#75757c",
    accent="#4c9dff",
    accent_hover="#74b3ff",
    on_accent="#08213f",
    selection="#224a7c",
    hover="#35353a",
    success="#6fd98c",
    success_soft="#1c3a26",
    warning="#f2bd5a",
    warning_soft="#3f3116",
    danger="#ff8f87",
    danger_soft="#4a2422",
    info_soft="#1b3353",
    loss="#8ee7a9",
    loss_soft="#1d4029",
    control="#cfa2f2",
    code="#222225",
    chart_1="#4c9dff",
    chart_2="#ff9a5c",
    chart_3="#6fd98c",
    chart_4="#c792f5",
    chart_grid="#3c3c41",
)

SPACE = 8
"""The unit of every distance: margins and gaps are multiples of it."""
RADIUS = 10
"""Corner radius of cards; what lies in them uses 6."""


class Theme(QObject):
    """The look in force. Widgets that paint colours themselves listen to `changed`."""

    changed = Signal()

    def __init__(self, app: QApplication, mode: Mode = "system") -> None:
        super().__init__()
        self._app = app
        self._mode: Mode = mode
        self._icons: dict[tuple[str, str, int], QIcon] = {}
        self._native = app.style().name() == "macos"
        app.styleHints().colorSchemeChanged.connect(self._on_system_change)

    @property
    def mode(self) -> Mode:
        return self._mode

    @property
    def dark(self) -> bool:
        if self._mode == "system":
            return self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    @property
    def tokens(self) -> Tokens:
        return DARK if self.dark else LIGHT

    def color(self, token: str) -> QColor:
        """A token as a colour."""
        return QColor(getattr(self.tokens, token))

    def set_mode(self, mode: Mode) -> None:
        """Follow the system, or keep to light or dark."""
        self._mode = mode
        self.apply()

    def apply(self) -> None:
        """Put palette and style sheet on the application."""
        self._icons.clear()
        hints = self._app.styleHints()
        scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
        hints.setColorScheme(scheme.get(self._mode, Qt.ColorScheme.Unknown))
        self._app.setPalette(_palette(self.tokens))
        sheet = style_sheet(self.tokens)
        self._app.setStyleSheet(sheet if self._native else sheet + control_sheet(self.tokens))
        self.changed.emit()

    def icon(self, name: str, token: str = "text_secondary", size: int = 20) -> QIcon:
        """An icon of resources/icons in a token's colour, sharp on Retina displays."""
        key = (name, getattr(self.tokens, token), size)
        if key not in self._icons:
            icon = QIcon()
            for scale in (1, 2, 3):
                icon.addPixmap(_pixmap(name, key[1], size, scale))
            self._icons[key] = icon
        return self._icons[key]

    def pixmap(self, name: str, token: str, size: int) -> QPixmap:
        """The same as a picture, for labels."""
        return _pixmap(name, getattr(self.tokens, token), size, self._app.devicePixelRatio())

    def fixed_font(self) -> QFont:
        """The system's fixed-width font, a little smaller than the text beside it."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(self._app.font().pointSizeF() * 0.95)
        return font

    def _on_system_change(self) -> None:
        if self._mode == "system":
            self.apply()


def style_sheet(tokens: Tokens) -> str:
    """resources/style/app.qss with its @tokens@ filled in: containers and labels, everywhere."""
    return _filled("app.qss", tokens)


def control_sheet(tokens: Tokens) -> str:
    """resources/style/controls.qss: controls where the system brings no look of its own (all but macOS)."""
    return _filled("controls.qss", tokens)


def _filled(name: str, tokens: Tokens) -> str:
    text = asset("style", name).read_text(encoding="utf-8")
    values = {**asdict(tokens), "radius": f"{RADIUS}px", "folder": asset("style").as_posix()}
    values["mark"] = "dark" if tokens is DARK else "light"
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    return text


def _palette(tokens: Tokens) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    colors = {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.field,
        role.AlternateBase: tokens.raised,
        role.Text: tokens.text,
        role.Button: tokens.raised,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.danger,
        role.Highlight: tokens.accent,
        role.HighlightedText: tokens.on_accent,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.text,
        role.PlaceholderText: tokens.text_secondary,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.Mid: tokens.border,
        role.Midlight: tokens.divider,
        role.Dark: tokens.border,
        role.Light: tokens.raised,
        role.Shadow: "#000000",
        role.Accent: tokens.accent,
    }
    for which, value in colors.items():
        palette.setColor(which, QColor(value))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(tokens.text_disabled))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(tokens.border))
    return palette


def _pixmap(name: str, color: str, size: int, scale: float) -> QPixmap:
    """Icons are drawn with currentColor, which Qt's SVG does not know: the colour is put in as text."""
    path = asset("icons", f"{name}.svg")
    drawing = path.read_text(encoding="utf-8").replace("currentColor", color)
    renderer = QSvgRenderer(QByteArray(drawing.encode()))
    pixmap = QPixmap(QSize(round(size * scale), round(size * scale)))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, size * scale, size * scale))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: str) -> float:
    parts = [component / 255 for component in QColor(color).getRgb()[:3]]  # type: ignore[index]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
