"""The pane beside the rows: what the dataset is, how long its rows are, and how it is to be read."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QVBoxLayout, QWidget

from gemma_mlx.settings import DataSettings
from gemma_mlx.worker.results import DatasetOverview
from gui.datasets_page.formats import FIELDS, field_text, format_text, is_optional, statement_text
from gui.datasets_page.presenter import DatasetsPresenter
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.config_form import ConfigForm
from gui.widgets.histogram import LengthHistogram
from gui.widgets.labels import Card, label
from gui.wording import count_text, percent_text

_ELSEWHERE = ("dataset", "format", "columns")
"""Settings that the form leaves out: the page has its own places for them."""


class Inspector(QWidget):
    """Cards below each other; changes go to the presenter at once."""

    def __init__(self, services: Services, presenter: DatasetsPresenter) -> None:
        super().__init__()
        self._services, self._presenter = services, presenter
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._build_summary())
        layout.addWidget(self._build_reading())
        layout.addWidget(self._build_learning())
        layout.addStretch(1)
        services.library.listed.connect(lambda _list: self._fill_models())
        presenter.opened.connect(lambda _path: self._on_opened())
        presenter.overview_changed.connect(self.show_overview)

    def _build_summary(self) -> QWidget:
        card = Card(self.tr("Lengths"))
        self.rows = label(bold=True)
        self.tokens = label("", "secondary", scale="small")
        self.histogram = LengthHistogram(self._services.theme)
        self.measured = label("", "secondary", scale="small")
        for widget in (self.rows, self.histogram, self.tokens, self.measured):
            card.body.addWidget(widget)
        return card

    def _build_reading(self) -> QWidget:
        card = Card(self.tr("How it is read"))
        self.statement = label("", "secondary", scale="small")
        self.format = QComboBox()
        for name in ("auto", *FIELDS):
            self.format.addItem(format_text(name), name)
        self.format.activated.connect(lambda _index: self._presenter.choose_format(self.format.currentData()))
        self.model = QComboBox()
        self.model.setToolTip(self.tr("Its tokenizer counts tokens, its chat template lays the rows out"))
        self.model.activated.connect(lambda _index: self._presenter.choose_model(self.model.currentData()))
        self.columns = QFormLayout()
        self.columns.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.columns.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self.columns.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.columns.setVerticalSpacing(SPACE)
        fixed = ((self.tr("Model"), self.model), (self.tr("Format"), self.format))
        for text, box in fixed:
            self._add_choice(text, box)
        card.body.addWidget(self.statement)
        card.body.addLayout(self.columns)
        self._fixed_rows = len(fixed)
        return card

    def _build_learning(self) -> QWidget:
        card = Card(self.tr("What is learned"))
        self.form = ConfigForm(DataSettings, hidden=_ELSEWHERE, foldable=False, stacked=True)
        self.form.edited.connect(self._on_edited)
        card.body.addWidget(self.form)
        return card

    def show_overview(self, overview: DatasetOverview) -> None:
        """Show what is known of the dataset so far."""
        self.rows.setText(self._rows_text(overview))
        self.tokens.setText(self._tokens_text(overview))
        self.measured.setText(self._measured_text(overview))
        self.measured.setVisible(bool(self.measured.text()))
        self.histogram.show_lengths(overview.lengths, self._presenter.settings.max_length)
        self.statement.setText(statement_text(overview.format))
        self.statement.setToolTip(overview.statement)
        self.statement.setVisible(bool(overview.format))
        with QSignalBlocker(self.format):
            self.format.setCurrentIndex(self.format.findData(self._presenter.settings.format))
        self._fill_columns(overview)

    def _rows_text(self, overview: DatasetOverview) -> str:
        text = self.tr("{train} rows to train, {valid} to validate")
        return text.format(train=count_text(overview.train), valid=count_text(overview.valid))

    def _tokens_text(self, overview: DatasetOverview) -> str:
        lengths = overview.lengths
        if not lengths.count:
            return ""
        text = self.tr(
            "Median {median}, 95 % below {most}, longest {longest} tokens. {share} of the tokens are learned."
        )
        parts = [
            text.format(
                median=count_text(lengths.median),
                most=count_text(lengths.percentile_95),
                longest=count_text(lengths.maximum),
                share=percent_text(overview.loss_tokens / max(1, overview.tokens)),
            )
        ]
        if overview.truncated:
            cut = self.tr("{count} rows are cut at {limit} tokens.")
            parts.append(
                cut.format(
                    count=count_text(overview.truncated),
                    limit=count_text(self._presenter.settings.max_length),
                )
            )
        if overview.duplicates:
            parts.append(
                self.tr("{count} rows are copies of others.").format(count=count_text(overview.duplicates))
            )
        return " ".join(parts)

    def _measured_text(self, overview: DatasetOverview) -> str:
        if overview.estimated and overview.lengths.count:
            return self.tr("Lengths are estimates: choose a model to count with its tokenizer.")
        if overview.complete and overview.measured < overview.usable:
            return self.tr("Lengths were measured on {count} rows.").format(
                count=count_text(overview.measured)
            )
        return ""

    def _fill_columns(self, overview: DatasetOverview) -> None:
        """One choice for each column that the format can use, of the file's columns."""
        settings = self._presenter.settings
        name = overview.format or (settings.format if settings.format != "auto" else "completion")
        wanted = (name, overview.columns, tuple(sorted(overview.mapping.items())))
        if wanted == getattr(self, "_filled", None):
            return
        self._filled = wanted
        while self.columns.rowCount() > self._fixed_rows:
            self.columns.removeRow(self._fixed_rows)
        for field in FIELDS[name]:
            box = QComboBox()
            if is_optional(name, field) or field not in overview.mapping:
                box.addItem(self.tr("None") if is_optional(name, field) else self.tr("Choose…"), "")
            for column in overview.columns:
                box.addItem(column, column)
            box.setCurrentIndex(max(0, box.findData(overview.mapping.get(field, ""))))
            box.activated.connect(
                lambda _index, field=field, box=box: self._presenter.map_column(field, box.currentData())
            )
            self._add_choice(field_text(field), box)

    def _add_choice(self, text: str, box: QComboBox) -> None:
        box.setAccessibleName(text)
        box.setMinimumContentsLength(8)
        box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        caption = label(text)
        caption.setWordWrap(False)
        caption.setBuddy(box)
        self.columns.addRow(caption, box)

    def _fill_models(self) -> None:
        self._presenter.choose_default_model()
        with QSignalBlocker(self.model):
            self.model.clear()
            for model in self._services.library.usable:
                self.model.addItem(model.name, model.path)
            if not self.model.count():
                self.model.addItem(self.tr("No model: lengths are estimated"), "")
            self.model.setCurrentIndex(max(0, self.model.findData(self._presenter.model)))

    def _on_opened(self) -> None:
        if self.form.settings() != self._presenter.settings:
            self.form.set_settings(self._presenter.settings)

    def _on_edited(self) -> None:
        settings = self.form.settings()
        if isinstance(settings, DataSettings):
            shown = {name: getattr(settings, name) for name in self.form.values()}
            self._presenter.change(**shown)
