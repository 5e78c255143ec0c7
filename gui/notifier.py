"""Tells the user of things while the window is behind others: notification, bounce in the dock, badge."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QSystemTrayIcon, QWidget

from gui.services import Services, remembered


class Notifier(QObject):
    """Listens to the session. A notification only comes while the window is not in front."""

    def __init__(self, services: Services, window: QWidget) -> None:
        super().__init__(window)
        self._services = services
        self._window = window
        self._tray: QSystemTrayIcon | None = None
        services.session.notify.connect(self.tell)
        services.session.badge.connect(self.show_badge)

    def tell(self, title: str, text: str) -> None:
        """A toast in the window; from behind other windows a notification besides."""
        self._services.session.toast.emit(title)
        if self._window.isActiveWindow() or not remembered(
            self._services.state, "app/notifications", bool, True
        ):
            return
        QApplication.alert(self._window)
        if QSystemTrayIcon.isSystemTrayAvailable():
            if self._tray is None:
                self._tray = QSystemTrayIcon(self._window.windowIcon(), self)
                self._tray.messageClicked.connect(self._bring_to_front)
            self._tray.show()
            self._tray.showMessage(title, text)

    def show_badge(self, percent: int) -> None:
        """The percent of a run on the dock icon; -1 takes it away."""
        application = QGuiApplication.instance()
        if isinstance(application, QGuiApplication):
            application.setBadgeNumber(max(0, percent))

    def _bring_to_front(self) -> None:
        self._window.show()
        self._window.raise_()
        self._window.activateWindow()
