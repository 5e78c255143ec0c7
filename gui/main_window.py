"""The window: navigation, menus and what lasts of them. It knows pages only as `Page`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QMessageBox, QStackedWidget, QWidget

from gui.services import Page, PageSpec, Services, remembered
from gui.sidebar import Sidebar
from gui.widgets.toast import Toast


class MainWindow(QMainWindow):
    """A sidebar, the page that is chosen, native menus."""

    closing = Signal()
    page_built = Signal()
    settings_wanted = Signal()
    about_wanted = Signal()
    diagnostics_wanted = Signal()

    def __init__(self, services: Services, specs: Sequence[PageSpec]) -> None:
        super().__init__()
        self._services = services
        self._pages: dict[str, Page] = {}
        self.setWindowTitle("Gemma MLX")
        self.setMinimumSize(760, 520)
        self.setUnifiedTitleAndToolBarOnMac(True)
        self.sidebar = Sidebar(services.theme)
        self.stack = QStackedWidget()
        names = self.page_names()
        self._specs = {spec.key: spec for spec in specs}
        for spec in specs:
            self.sidebar.add(spec.key, names[spec.key], spec.icon)
        body = QWidget()
        layout = QHBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.sidebar)
        layout.addWidget(self.stack, 1)
        self.setCentralWidget(body)
        self.toast = Toast(self)
        self.sidebar.chosen.connect(self._show)
        services.session.page_requested.connect(self.sidebar.select)
        services.session.toast.connect(self.toast.say)
        services.session.undo_offered.connect(self._offer_undo)
        services.session.badge.connect(self._show_badge)
        self._build_menus()
        self._restore()

    def page_names(self) -> dict[str, str]:
        """What the pages are called, in the user's language."""
        return {
            "models": self.tr("Models"),
            "datasets": self.tr("Datasets"),
            "finetune": self.tr("Fine-tune"),
            "chat": self.tr("Chat"),
        }

    @property
    def page(self) -> Page:
        """The page in front."""
        return self._pages[self.current]

    @property
    def current(self) -> str:
        """The key of the page in front."""
        shown = self.stack.currentWidget()
        return next(key for key, page in self._pages.items() if page is shown)

    def page_of(self, key: str) -> Page:
        """A page, built if it was not wanted before."""
        if key not in self._pages:
            page = self._specs[key].build(self._services)
            page.setAccessibleName(self.page_names()[key])
            self._pages[key] = page
            self.stack.addWidget(page)
            self.page_built.emit()
        return self._pages[key]

    def running(self) -> list[str]:
        """What would be cut off by quitting, in words."""
        return [text for text in (page.running() for page in self._pages.values()) if text]

    def may_close(self) -> bool:
        """Whether nothing runs, or the user wants to stop what does."""
        running = self.running()
        if not running:
            return True
        box = QMessageBox(self)
        box.setIcon(QMessageBox.Icon.Question)
        box.setText(self.tr("Something is still running"))
        kept = self.tr("If you quit, it stops with a checkpoint and can be resumed later.")
        box.setInformativeText("\n".join([*running, kept]))
        stop = box.addButton(self.tr("Stop and Quit"), QMessageBox.ButtonRole.AcceptRole)
        keep = box.addButton(self.tr("Keep Running"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.exec()
        return box.clickedButton() is stop

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_close():
            event.ignore()
            return
        self._remember()
        self.closing.emit()
        event.accept()

    def _show(self, key: str) -> None:
        page = self.page_of(key)
        self.stack.setCurrentWidget(page)
        page.shown()

    def _offer_undo(self, text: str, undo: Callable[[], object]) -> None:
        self.toast.say(text, self.tr("Undo"), undo)

    def _show_badge(self, percent: int) -> None:
        self.sidebar.set_badge("finetune", f"{percent} %" if percent >= 0 else "")

    def _action(
        self, text: str, call: Callable[[], object], shortcut: str | QKeySequence.StandardKey | None = None,
        role: QAction.MenuRole = QAction.MenuRole.NoRole,
    ) -> QAction:  # fmt: skip
        action = QAction(text, self)
        action.setMenuRole(role)
        if shortcut is not None:
            action.setShortcut(QKeySequence(shortcut))
        action.triggered.connect(lambda _checked=False: call())
        return action

    def _build_menus(self) -> None:
        """Ctrl is ⌘ on a Mac; actions with a role move to the application menu there."""
        bar, keys, roles = self.menuBar(), QKeySequence.StandardKey, QAction.MenuRole
        file = bar.addMenu(self.tr("&File"))
        file.addAction(self._action(self.tr("&New"), lambda: self.page.new(), keys.New))
        file.addAction(self._action(self.tr("&Stop"), lambda: self.page.stop(), "Ctrl+."))
        file.addSeparator()
        file.addAction(self._action(self.tr("&Close Window"), self.close, keys.Close))
        settings = self.tr("&Settings…")
        file.addAction(self._action(settings, self.settings_wanted.emit, "Ctrl+,", roles.PreferencesRole))
        file.addAction(self._action(self.tr("&Quit Gemma MLX"), self.close, keys.Quit, roles.QuitRole))
        view = bar.addMenu(self.tr("&View"))
        for number, (key, name) in enumerate(self.page_names().items(), 1):
            view.addAction(
                self._action(name, lambda key=key: self.sidebar.select(key), f"Ctrl+{number}")  # type: ignore[misc]
            )
        view.addSeparator()
        view.addAction(self._action(self.tr("&Full Screen"), self._full_screen, keys.FullScreen))
        window = bar.addMenu(self.tr("&Window"))
        window.addAction(self._action(self.tr("&Minimize"), self.showMinimized, "Ctrl+M"))
        help_menu = bar.addMenu(self.tr("&Help"))
        help_menu.addAction(self._action(self.tr("Copy &Diagnostics"), self.diagnostics_wanted.emit))
        about = self.tr("&About Gemma MLX")
        help_menu.addAction(self._action(about, self.about_wanted.emit, role=roles.AboutRole))

    def _full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _restore(self) -> None:
        state = self._services.state
        geometry = state.value("window/geometry")
        if not (isinstance(geometry, QByteArray) and self.restoreGeometry(geometry)):
            self.resize(1180, 780)
        page = remembered(state, "window/page", str, "models")
        self.sidebar.select(page if page in self._specs else next(iter(self._specs)))

    def _remember(self) -> None:
        self._services.state.setValue("window/geometry", self.saveGeometry())
        self._services.state.setValue("window/page", self.current)
