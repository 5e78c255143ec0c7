"""The pane beside the list: what is selected, and what can be done with it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from gemma_mlx.worker.results import AdapterSummary, ModelSummary
from gui.models_page.presenter import Item, ModelsPresenter
from gui.system import reveal_text
from gui.theme import SPACE, Theme
from gui.widgets.banner import Banner
from gui.widgets.flow import FlowLayout
from gui.widgets.labels import ElidedLabel, divider, heading, label, set_role, sized
from gui.widgets.scrolling import scroll_page
from gui.wording import (
    VERDICT_TONES,
    count_text,
    day_text,
    parameters_text,
    path_text,
    size_text,
    verdict_text,
)
from gui.worker_client import Failure


class Details(QStackedWidget):
    """Emits what the user wants; it knows nothing of workers."""

    chat_wanted = Signal()
    train_wanted = Signal()
    quantize_wanted = Signal()
    merge_wanted = Signal()
    export_wanted = Signal()
    reveal_wanted = Signal()
    delete_wanted = Signal()

    def __init__(self, theme: Theme, presenter: ModelsPresenter) -> None:
        super().__init__()
        self._presenter = presenter
        self._nothing = label(self.tr("Select a model to see what it is."), "secondary")
        self._nothing.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.addWidget(self._nothing)
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        layout.setSpacing(SPACE + SPACE // 2)
        self.name = heading("")
        self.name.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.badge = label("", "badge", scale="small")
        self.trouble = Banner(theme)
        self._facts = QFormLayout()
        self._facts.setHorizontalSpacing(2 * SPACE)
        self._facts.setVerticalSpacing(SPACE // 2)
        self._facts.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._facts.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._facts.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        badge_row = QHBoxLayout()
        badge_row.addWidget(self.badge)
        badge_row.addStretch(1)
        self.chat = QPushButton(self.tr("Chat"))
        self.train = QPushButton(self.tr("Fine-Tune"))
        self.quantize = QPushButton(self.tr("Quantize…"))
        self.merge = QPushButton(self.tr("Merge into Base…"))
        self.export = QPushButton(self.tr("Export…"))
        self.export.setToolTip(self.tr("Write it for LM Studio, Ollama, llama.cpp and other programs"))
        self.reveal = QPushButton(reveal_text())
        self.delete = QPushButton(self.tr("Move to Trash"))
        self.chat.clicked.connect(self.chat_wanted)
        self.train.clicked.connect(self.train_wanted)
        self.quantize.clicked.connect(self.quantize_wanted)
        self.merge.clicked.connect(self.merge_wanted)
        self.export.clicked.connect(self.export_wanted)
        self.reveal.clicked.connect(self.reveal_wanted)
        self.delete.clicked.connect(self.delete_wanted)
        layout.addWidget(self.name)
        layout.addLayout(badge_row)
        layout.addWidget(self.trouble)
        first = FlowLayout(fill=True)
        first.addWidget(self.chat)
        first.addWidget(self.train)
        layout.addLayout(first)
        layout.addWidget(divider())
        layout.addLayout(self._facts)
        layout.addWidget(divider())
        for button in (self.quantize, self.merge, self.export, self.reveal, self.delete):
            layout.addWidget(button)
        layout.addStretch(1)
        self.addWidget(scroll_page(content))

    def show_item(self, item: Item | None, base: ModelSummary | None) -> None:
        """Show a model or adapter, or nothing."""
        if item is None or base is None:
            self.setCurrentIndex(0)
            return
        presenter = self._presenter
        self.name.setText(item.name)
        is_model = isinstance(item, ModelSummary)
        usable = presenter.may_use(item, base)
        self.chat.setEnabled(usable)
        self.train.setEnabled(usable)
        self.train.setVisible(is_model)
        self.quantize.setVisible(is_model)
        self.quantize.setEnabled(presenter.may_quantize(item))
        self.merge.setVisible(not is_model)
        self.merge.setEnabled(usable)
        self.export.setEnabled(usable)
        self.delete.setEnabled(presenter.may_delete(item))
        self._show_trouble(item, base)
        self._show_facts(item)
        self.setCurrentIndex(1)

    def _show_trouble(self, item: Item, base: ModelSummary) -> None:
        self.trouble.clear()
        self.badge.setVisible(isinstance(item, ModelSummary) and not item.problem)
        if isinstance(item, ModelSummary):
            self.badge.setText(verdict_text(item.verdict, item.memory_bytes, item.allowed_bytes))
            set_role(self.badge, "tone", VERDICT_TONES[item.verdict])
        if base.problem:
            what = self.tr("This model cannot be used: {problem}").format(problem=base.problem)
            self.trouble.show_failure(Failure("unusable", what, "", base.fix), closable=False)
        elif not base.has_tokenizer:
            what = self.tr("There is no tokenizer in this folder, so it cannot read or write text.")
            fix = self.tr("Copy tokenizer.json or tokenizer.model of this model into the folder.")
            self.trouble.show_failure(Failure("no-tokenizer", what, "", fix), closable=False)

    def _show_facts(self, item: Item) -> None:
        while self._facts.rowCount():
            self._facts.removeRow(0)
        for name, value in _facts(self, item):
            caption = label(name, "secondary", scale="small")
            caption.setWordWrap(False)
            caption.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            if name == self.tr("Folder"):
                field: QLabel = ElidedLabel(value, mode=Qt.TextElideMode.ElideMiddle)
                sized(field, "small")
            else:
                field = label(value, scale="small")
            field.setAccessibleName(f"{name}: {value}")
            self._facts.addRow(caption, field)


def _facts(page: Details, item: Item) -> list[tuple[str, str]]:
    tr = page.tr
    if isinstance(item, AdapterSummary):
        rows = [(tr("Rank"), str(item.rank) if item.rank else ""), (tr("Trained in"), item.run)]
    else:
        rows = [
            (tr("Generation"), item.generation),
            (tr("Size"), parameters_text(item.parameters) if item.parameters else ""),
            (tr("Weights"), item.quantization or item.dtype),
            (
                tr("Context"),
                tr("{count} tokens").format(count=count_text(item.context)) if item.context else "",
            ),
            (tr("Memory to chat"), size_text(item.memory_bytes) if item.memory_bytes else ""),
            (tr("From"), _origin(page, item)),
            (tr("Compared"), _verified(page, item)),
        ]
    rows += [(tr("On disk"), size_text(item.size_bytes)), (tr("Folder"), path_text(item.path))]
    return [(name, value) for name, value in rows if value]


def _verified(page: Details, model: ModelSummary) -> str:
    """What `gemma-mlx verify` found, if it was run."""
    found = model.verification
    if found is None:
        return ""
    text = page.tr("Verified against {reference}, {date}")
    if not found.passed:
        text = page.tr("Differs from {reference}, {date}")
    return text.format(reference=found.reference or "PyTorch", date=day_text(found.made))


def _origin(page: Details, model: ModelSummary) -> str:
    names = {
        "app": page.tr("Gemma MLX’s folder"),
        "huggingface": page.tr("Hugging Face cache"),
        "demo": page.tr("Comes with the app"),
        "elsewhere": page.tr("Another folder"),
    }
    return names[model.origin]
