"""The sheet for models from the Hub: a catalogue with what fits here, a search, the licence, the token."""

from __future__ import annotations

import re

from PySide6.QtCore import QModelIndex, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import ModelOffer, OfferList
from gui.models_page.offers_model import BADGE_ROLE, ICON_ROLE, LINE_ROLE, TONE_ROLE, OffersModel
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.banner import Banner
from gui.widgets.labels import Card, heading, label
from gui.widgets.rows import RowRoles, TwoLineDelegate
from gui.widgets.scrolling import plain_list
from gui.worker_client import Failure, Job

_NAME = re.compile(r"^(https?://[^/\s]+/)?[\w.-]+/[\w.-]+$", re.ASCII)


class DownloadDialog(QDialog):
    """Accepted: `repository` says what to fetch."""

    def __init__(self, services: Services, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Download a Model"))
        self._services = services
        self._job: Job | None = None
        self._searched = False
        self.search = QLineEdit()
        self.search.setAccessibleName(self.tr("Filter, or the name of a model on the Hub"))
        self.search.setPlaceholderText(self.tr("Filter, or owner/name of a model on the Hub"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.ask_hub = QPushButton(self.tr("Search the Hub"))
        self.ask_hub.setAutoDefault(False)
        self.ask_hub.setToolTip(self.tr("Asks over the network; the catalogue is here already"))
        self.ask_hub.clicked.connect(self._search)
        top = QHBoxLayout()
        top.setSpacing(SPACE)
        top.addWidget(self.search, 1)
        top.addWidget(self.ask_hub)
        self.model = OffersModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setAccessibleName(self.tr("Models to download"))
        self.list.setUniformItemSizes(True)
        plain_list(self.list)
        roles = RowRoles(LINE_ROLE, BADGE_ROLE, TONE_ROLE, ICON_ROLE)
        self.list.setItemDelegate(TwoLineDelegate(services.theme, self.list, roles))
        self.list.selectionModel().currentChanged.connect(self._show)
        self.list.doubleClicked.connect(self._on_double)
        self.nothing = label("", "secondary")
        card = Card(margin=SPACE)
        card.body.addWidget(self.nothing)
        card.body.addWidget(self.list, 1)
        self.banner = Banner(services.theme)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.fetch = self.buttons.addButton(self.tr("Download"), QDialogButtonBox.ButtonRole.AcceptRole)
        self.fetch.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(3 * SPACE, 3 * SPACE, 3 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + SPACE // 2)
        layout.addWidget(heading(self.tr("Download a Model")))
        layout.addLayout(top)
        layout.addWidget(self.banner)
        layout.addWidget(card, 1)
        layout.addWidget(self._build_licence())
        layout.addWidget(self.buttons)
        self.resize(max(600, self.fontMetrics().averageCharWidth() * 84), 540)
        self._ask("")

    @property
    def repository(self) -> str:
        """What is chosen: the name that is typed, else the row."""
        typed = self.search.text().strip()
        if _NAME.match(typed):
            return typed
        offer = self.model.offer(self.list.currentIndex())
        return offer.repository if offer is not None else ""

    def _build_licence(self) -> QWidget:
        self.licence = Card(role="inset", margin=SPACE + SPACE // 2)
        about = self.tr(
            "Its makers ask you to accept a licence on its page once, with an account there. Then make an "
            "access token there and paste it here; it is kept in this system’s keychain."
        )
        self.page = QPushButton(self.tr("Open Its Page"))
        self.page.setAutoDefault(False)
        self.page.clicked.connect(self._open_page)
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setAccessibleName(self.tr("Access token"))
        self.token.setPlaceholderText(self.tr("Access token (hf_…), if none is kept yet"))
        self.keep = QPushButton(self.tr("Keep Token"))
        self.keep.setAutoDefault(False)
        self.keep.setEnabled(False)
        self.keep.clicked.connect(self._keep_token)
        self.token.textChanged.connect(lambda text: self.keep.setEnabled(bool(text.strip())))
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        for widget, share in ((self.page, 0), (self.token, 1), (self.keep, 0)):
            row.addWidget(widget, share)
        self.licence.body.addWidget(label(about, "secondary", scale="small"))
        self.licence.body.addLayout(row)
        return self.licence

    def _ask(self, query: str) -> None:
        self.nothing.setText(self.tr("Asking…"))
        self.nothing.show()
        self.ask_hub.setEnabled(False)
        self._searched = bool(query)
        self._job = self._services.workers.ask(protocol.ListOffers(query=query))
        self._job.finished.connect(self._on_offers)
        self._job.failed.connect(self._on_failed)

    def _search(self) -> None:
        self.banner.clear()
        self._ask(self.search.text().strip())

    def _on_offers(self, data: dict[str, object]) -> None:
        if self.sender() is not self._job:
            return
        self.model.set_offers(OfferList.model_validate(data).offers)
        self._narrow("" if self._searched else self.search.text())

    def _filter(self) -> None:
        if self._searched and not self.search.text().strip():
            self._ask("")  # back to the catalogue
            return
        self._narrow(self.search.text())

    def _narrow(self, words: str) -> None:
        self.model.set_filter(words)
        self.nothing.setText(self.tr("None of these. Search the Hub for it, or type its owner/name."))
        self.nothing.setVisible(self.model.rowCount() == 0)
        if self.model.rowCount():
            self.list.setCurrentIndex(self.model.index(0))
        self.ask_hub.setEnabled(bool(self.search.text().strip()))
        self._show(self.list.currentIndex(), QModelIndex())

    def _show(self, index: QModelIndex, _before: QModelIndex) -> None:
        offer: ModelOffer | None = self.model.offer(index)
        self.licence.setVisible(offer is not None and offer.gated)
        self.page.setEnabled(offer is not None and bool(offer.page))
        self.fetch.setEnabled(bool(self.repository))

    def _on_double(self) -> None:
        if self.fetch.isEnabled():
            self.accept()

    def _open_page(self) -> None:
        offer = self.model.offer(self.list.currentIndex())
        if offer is not None:
            QDesktopServices.openUrl(QUrl(offer.page))

    def _keep_token(self) -> None:
        self.banner.clear()
        job = self._services.workers.ask(protocol.SaveToken.model_validate({"token": self.token.text()}))
        self.token.clear()
        job.finished.connect(self._on_kept)
        job.failed.connect(self._on_failed)

    def _on_kept(self, _data: dict[str, object]) -> None:
        self.banner.show_message("success", self.tr("The token is kept in the keychain"))

    def _on_failed(self, failure: Failure) -> None:
        self._narrow(self.search.text())
        self.banner.show_failure(failure)
