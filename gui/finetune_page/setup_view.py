"""The form of a new run: model, dataset, preset, every setting behind "Advanced", forecast, Start."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.declaring import Settings
from gemma_mlx.settings import DataSettings, LoraSettings, QuantizeSettings, TrainSettings
from gemma_mlx.worker.results import TrainingForecast
from gui.finetune_page.presets import PRESETS, PresetName
from gui.finetune_page.setup_presenter import SetupPresenter
from gui.services import Services
from gui.theme import SPACE
from gui.widgets.combo import ElidedCombo
from gui.widgets.config_form import ConfigForm
from gui.widgets.labels import Card, ElidedLabel, heading, label, set_role
from gui.widgets.scrolling import scroll_page
from gui.wording import VERDICT_TONES, count_text, duration_text, path_text, size_text, verdict_text


class SetupView(QWidget):
    """Shows the presenter's settings and hands changes in. The forms are built when they are unfolded."""

    def __init__(self, services: Services, presenter: SetupPresenter) -> None:
        super().__init__()
        self._services, self._presenter = services, presenter
        self._forms: dict[str, ConfigForm] = {}
        self._showing = False
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, SPACE, 0)
        layout.setSpacing(2 * SPACE)
        layout.addWidget(self._build_choice())
        layout.addWidget(self._build_presets())
        layout.addWidget(self._build_watch())
        layout.addWidget(self._build_advanced())
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(SPACE)
        self.area = scroll_page(content)
        outer.addWidget(self.area, 1)
        outer.addWidget(self._build_footer())
        presenter.changed.connect(self.refresh)
        presenter.forecast_changed.connect(self._show_forecast)
        self.refresh()
        self._show_forecast(None)

    def form(self, section: str) -> ConfigForm:
        """The form of a section ("training", "lora", "data", "quantization"), built if need be."""
        self.advanced.setChecked(True)
        return self._forms[section]

    def refresh(self) -> None:
        """Show what is set."""
        self._showing = True
        settings = self._presenter.settings
        self._fill_models()
        data = settings.data.dataset
        self.dataset.set_whole(path_text(data) if data else self.tr("No dataset is chosen"))
        self.demo.setVisible(self._presenter.has_demo())
        preset = self._presenter.preset
        for name, button in self.presets.items():
            self._group.setExclusive(False)
            button.setChecked(name == preset)
            self._group.setExclusive(True)
        self.by_hand.setVisible(preset is None)
        prompts = "\n".join(settings.training.sample_prompts)
        if self._prompts() != settings.training.sample_prompts:
            self.prompts.setPlainText(prompts)
        for section, form in self._forms.items():
            shown = getattr(settings, section)
            if shown is not None and form.settings() not in (shown, None):
                form.set_settings(shown)
        if self._forms:
            self.quantize.setChecked(settings.quantization is not None)
            self._forms["quantization"].setVisible(settings.quantization is not None)
        missing = self._presenter.missing()
        self.start.setEnabled(not missing)
        self.hint.setText(missing)
        self.hint.setVisible(bool(missing))
        self._showing = False

    def _build_choice(self) -> QWidget:
        self.model = ElidedCombo(12)
        self.model.setAccessibleName(self.tr("Base model"))
        self.model.activated.connect(self._on_model)
        self.dataset = ElidedLabel("", mode=Qt.TextElideMode.ElideMiddle)
        self.choose = QPushButton(self.tr("Choose…"))
        self.choose.setAccessibleName(self.tr("Choose a dataset"))
        self.choose.clicked.connect(self._choose_dataset)
        self.look = QPushButton(self.tr("Look at It"))
        self.look.clicked.connect(self._look)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addWidget(self.dataset, 1)
        row.addWidget(self.choose)
        row.addWidget(self.look)
        self.name = QLineEdit()
        self.name.setAccessibleName(self.tr("Name of the run"))
        self.name.setPlaceholderText(self.tr("As the dataset"))
        self.name.textChanged.connect(self._on_name)
        self.demo = QPushButton(self.tr("Use the Demo"))
        self.demo.setToolTip(self.tr("The embedded model learns to talk like a pirate"))
        self.demo.clicked.connect(self._presenter.choose_demo)
        card = Card(self.tr("What learns from what"))
        card.header.addWidget(self.demo)
        form = QFormLayout()
        form.setHorizontalSpacing(2 * SPACE)
        form.setVerticalSpacing(SPACE + SPACE // 2)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow(self.tr("Model:"), self.model)
        form.addRow(self.tr("Dataset:"), row)
        form.addRow(self.tr("Name:"), self.name)
        card.body.addLayout(form)
        return card

    def _build_presets(self) -> QWidget:
        texts: dict[PresetName, tuple[str, str]] = {
            "quick": (
                self.tr("Quick"),
                self.tr("60 steps with a small adapter: see whether it goes the right way."),
            ),
            "balanced": (
                self.tr("Balanced"),
                self.tr("Two passes over the dataset: right for most."),
            ),
            "thorough": (
                self.tr("Thorough"),
                self.tr("Four passes, larger adapter and batches: when the result matters."),
            ),
        }
        card = Card(self.tr("How thoroughly"))
        self._group = QButtonGroup(self)
        self.presets: dict[PresetName, QRadioButton] = {}
        for name in PRESETS:
            title, about = texts[name]
            button = QRadioButton(title)
            button.setAccessibleDescription(about)
            button.clicked.connect(lambda _on=False, name=name: self._presenter.choose_preset(name))
            self._group.addButton(button)
            self.presets[name] = button
            description = label(about, "secondary", scale="small")
            description.setContentsMargins(3 * SPACE, 0, 0, 0)
            line = QVBoxLayout()
            line.setSpacing(2)
            line.addWidget(button)
            line.addWidget(description)
            card.body.addLayout(line)
        self.by_hand = label(self.tr("Set by hand: see Advanced."), "secondary", scale="small")
        card.body.addWidget(self.by_hand)
        return card

    def _build_watch(self) -> QWidget:
        self.prompts = QPlainTextEdit()
        self.prompts.setAccessibleName(self.tr("Sample prompts"))
        self.prompts.setPlaceholderText(self.tr("One a line, such as: What is the capital of Italy?"))
        self.prompts.setTabChangesFocus(True)
        self.prompts.setFixedHeight(self.fontMetrics().height() * 3 + 2 * SPACE)
        self.prompts.textChanged.connect(self._on_prompts)
        card = Card(self.tr("Questions to watch"))
        about = self.tr("The model answers these now and again, so that you see how it changes.")
        card.body.addWidget(label(about, "secondary", scale="small"))
        card.body.addWidget(self.prompts)
        return card

    def _build_advanced(self) -> QWidget:
        self.advanced = QToolButton()
        self.advanced.setText(self.tr("Advanced"))
        self.advanced.setCheckable(True)
        self.advanced.setAutoRaise(True)
        self.advanced.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.advanced.setArrowType(Qt.ArrowType.RightArrow)
        self.advanced.toggled.connect(self._unfold)
        self._fold = QWidget()
        self._fold.hide()
        place = QWidget()
        layout = QVBoxLayout(place)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(SPACE)
        layout.addWidget(self.advanced, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._fold)
        return place

    def _build_footer(self) -> QWidget:
        card = Card(margin=SPACE * 3 // 2)
        self.forecast = label("", "secondary")
        self.verdict = label("", "badge", scale="small")
        self.hint = label("", "secondary")
        self.start = QPushButton(self.tr("Start Training"))
        self.start.setDefault(True)
        texts = QVBoxLayout()
        texts.setSpacing(SPACE // 2)
        texts.addWidget(self.hint)
        texts.addWidget(self.forecast)
        row = QHBoxLayout()
        row.setSpacing(SPACE)
        row.addLayout(texts, 1)
        row.addWidget(self.verdict, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.start)
        card.body.addLayout(row)
        return card

    def _unfold(self, on: bool) -> None:
        self.advanced.setArrowType(Qt.ArrowType.DownArrow if on else Qt.ArrowType.RightArrow)
        if on and not self._forms:
            self._build_forms()
            self.refresh()
        self._fold.setVisible(on)

    def _build_forms(self) -> None:
        layout = QVBoxLayout(self._fold)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2 * SPACE)
        sections: list[tuple[str, str, type[Settings], tuple[str, ...]]] = [
            ("training", self.tr("Training"), TrainSettings, ("sample_prompts",)),
            ("lora", self.tr("Adapter"), LoraSettings, ()),
            ("data", self.tr("Data"), DataSettings, ("dataset",)),
            ("quantization", self.tr("Quantize the base (QLoRA)"), QuantizeSettings, ()),
        ]
        for section, title, kind, hidden in sections:
            card = Card()
            if section == "quantization":
                self.quantize = QCheckBox(title)
                self.quantize.setToolTip(
                    self.tr("The base takes a quarter of the memory; the adapter stays exact")
                )
                self.quantize.toggled.connect(self._on_quantize)
                card.body.addWidget(self.quantize)
            else:
                card.body.addWidget(heading(title))
            form = ConfigForm(kind, hidden=hidden, foldable=False)
            form.edited.connect(self._on_edited)
            self._forms[section] = form
            card.body.addWidget(form)
            layout.addWidget(card)

    def _fill_models(self) -> None:
        usable = self._services.library.usable
        paths = [self.model.itemData(row) for row in range(self.model.count())]
        if paths != [model.path for model in usable]:
            self.model.clear()
            for model in usable:
                self.model.addItem(model.name, model.path)
                self.model.setItemData(self.model.count() - 1, model.path, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(self.model.findData(self._presenter.settings.model))

    def _prompts(self) -> list[str]:
        return [line.strip() for line in self.prompts.toPlainText().splitlines() if line.strip()]

    def _on_model(self, row: int) -> None:
        self._presenter.choose_model(str(self.model.itemData(row)))

    def _on_name(self, text: str) -> None:
        self._presenter.name = text

    def _on_prompts(self) -> None:
        if not self._showing:
            self._presenter.set_prompts(self._prompts())

    def _on_quantize(self, on: bool) -> None:
        if not self._showing:
            self._presenter.quantize_base(on)

    def _on_edited(self) -> None:
        """A field changed. While one is wrong, nothing is taken over and the start is barred."""
        if self._showing:
            return
        quantizing = self._presenter.settings.quantization is not None
        changed: dict[str, Settings | None] = {}
        for section, form in self._forms.items():
            if section != "quantization" or quantizing:
                changed[section] = form.settings()
        sound = all(settings is not None for settings in changed.values())
        if sound:
            self._presenter.change(**changed)
        self._presenter.set_sound(sound)

    def _choose_dataset(self) -> None:
        patterns = "*.jsonl *.json *.csv *.tsv *.parquet *.txt *.gz"
        path, _filter = QFileDialog.getOpenFileName(
            self, self.tr("Choose a Dataset"), "", self.tr("Datasets ({patterns})").format(patterns=patterns)
        )
        if path:
            self._presenter.choose_dataset(path)

    def _look(self) -> None:
        path = self._presenter.settings.data.dataset
        self._services.session.page_requested.emit("datasets")
        if path and Path(path).exists():
            self._services.session.open_dataset.emit(path)

    def _show_forecast(self, forecast: TrainingForecast | None) -> None:
        self.verdict.setVisible(forecast is not None)
        self.forecast.setVisible(forecast is not None)
        if forecast is None:
            return
        parts = []
        if forecast.steps:
            parts.append(self.tr("{count} steps").format(count=count_text(forecast.steps)))
        if forecast.seconds is not None:
            parts.append(self.tr("at least {time}").format(time=duration_text(forecast.seconds)))
        parts.append(self.tr("about {size} of memory").format(size=size_text(forecast.peak_bytes)))
        if forecast.note:
            parts.append(forecast.note)
        self.forecast.setText(" · ".join(parts))
        self.verdict.setText(verdict_text(forecast.verdict, forecast.peak_bytes, forecast.allowed_bytes))
        set_role(self.verdict, "tone", VERDICT_TONES[forecast.verdict])
