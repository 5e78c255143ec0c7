"""Decisions about a run that has not begun: model, dataset, preset, settings, forecast."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from gemma_mlx.declaring import Settings, read_settings
from gemma_mlx.errors import GemmaError
from gemma_mlx.settings import DataSettings, QuantizeSettings, RunSettings
from gemma_mlx.worker import protocol
from gemma_mlx.worker.results import TrainingForecast
from gui.assets import asset
from gui.finetune_page.presets import PresetName, preset_of, with_preset
from gui.services import Services
from gui.worker_client import Failure, Job

SETTLE = 400


class SetupPresenter(QObject):
    """Holds the settings of the next run; the view shows them and hands in what is changed."""

    changed = Signal()
    """The settings are others: show them."""
    forecast_changed = Signal(object)
    """TrainingForecast, or None while there is none."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self._services = services
        self.settings = with_preset(RunSettings(), "balanced")
        self.name = ""
        self.forecast: TrainingForecast | None = None
        self.sound = True
        """Whether all fields of the forms are right."""
        self._job: Job | None = None
        self._settle = QTimer(self, singleShot=True, interval=SETTLE)
        self._settle.timeout.connect(self._ask_forecast)
        services.session.train_with.connect(self.take)
        services.library.listed.connect(self._on_listed)
        if services.library.known:
            self._on_listed()

    # --- choices ---

    def take(self, model: str, data: object) -> None:
        """Another page hands over a model ("" keeps ours) or a dataset (None keeps ours)."""
        if model:
            self.choose_model(model)
        if isinstance(data, DataSettings):
            self.choose_data(data)

    def choose_model(self, path: str) -> None:
        """Train this base. A preset in force is fitted to its size."""
        preset = self.preset
        self._set(model=path)
        if preset is not None:
            self.choose_preset(preset)

    def choose_data(self, data: DataSettings) -> None:
        """Learn from this."""
        self._set(data=data)

    def choose_dataset(self, path: str) -> None:
        """Learn from a file or folder, as it explains itself."""
        self._set(data=DataSettings(dataset=path, max_length=self.settings.data.max_length))

    def choose_preset(self, name: PresetName) -> None:
        self._replace(with_preset(self.settings, name, self._parameters()))

    @property
    def preset(self) -> PresetName | None:
        """The preset in force, or None: changed by hand."""
        return preset_of(self.settings, self._parameters())

    def change(self, **sections: Settings | None) -> None:
        """Take whole sections from the forms: training, lora, data, quantization."""
        self._set(**sections)

    def quantize_base(self, on: bool) -> None:
        """QLoRA: the base in 4 bit while it is trained beside."""
        self._set(quantization=QuantizeSettings() if on else None)

    def set_prompts(self, prompts: list[str]) -> None:
        """The prompts that are answered at each validation."""
        training = self.settings.training.model_copy(update={"sample_prompts": prompts})
        self._set(training=training)

    def duplicate(self, settings: RunSettings) -> None:
        """Begin with the settings of another run."""
        self._replace(settings)

    # --- the demo ---

    def has_demo(self) -> bool:
        """Whether the embedded model and dataset came along."""
        return self._demo_model() != "" and asset("demo", "pirate").exists()

    def choose_demo(self) -> None:
        """The embedded model and dataset, with the recipe that is made for them."""
        model = self._demo_model()
        try:
            settings = read_settings(RunSettings, asset("demo", "recipe.yaml"))
        except GemmaError:
            settings = with_preset(RunSettings(), "quick", 1)
        data = settings.data.model_copy(update={"dataset": str(asset("demo", "pirate"))})
        self._replace(settings.model_copy(update={"model": model, "data": data}))

    def _demo_model(self) -> str:
        return next((model.path for model in self._services.library.usable if model.origin == "demo"), "")

    # --- what follows ---

    def missing(self) -> str:
        """What is still needed before the start, in words; empty: nothing."""
        usable = [model.path for model in self._services.library.usable]
        if not self.settings.model or self.settings.model not in usable:
            return self.tr("Choose a model.")
        if not self.settings.data.dataset:
            return self.tr("Choose a dataset.")
        if not Path(self.settings.data.dataset).exists():
            return self.tr("The dataset is not there any more.")
        if not self.sound:
            return self.tr("Correct the fields marked in red.")
        return ""

    def run_name(self) -> str:
        """The name that is typed, or one made from the dataset's."""
        return self.name.strip() or Path(self.settings.data.dataset).name.split(".")[0] or "run"

    def set_sound(self, sound: bool) -> None:
        if sound != self.sound:
            self.sound = sound
            self.changed.emit()

    def _parameters(self) -> int:
        model = self._services.library.model(self.settings.model)
        return model.parameters if model is not None else 0

    def _set(self, **values: Any) -> None:
        self._replace(self.settings.model_copy(update=values))

    def _replace(self, settings: RunSettings) -> None:
        if settings == self.settings:
            return
        self.settings = settings
        self.changed.emit()
        self._show_forecast(None)
        self._settle.start()

    def _on_listed(self) -> None:
        """Models are known now: the first that fits is chosen, if none is."""
        usable = self._services.library.usable
        if usable and self.settings.model not in [model.path for model in usable]:
            fitting = [model for model in usable if model.verdict != "too-large"] or list(usable)
            self.choose_model(fitting[0].path)
        self.changed.emit()

    def _ask_forecast(self) -> None:
        if self.missing():
            return
        self._job = self._services.workers.ask(protocol.ForecastTraining(settings=self.settings))
        self._job.finished.connect(self._on_forecast)
        self._job.failed.connect(self._on_no_forecast)

    def _on_forecast(self, data: dict[str, Any]) -> None:
        if self.sender() is self._job:
            self._show_forecast(TrainingForecast.model_validate(data))

    def _on_no_forecast(self, failure: Failure) -> None:
        """The run itself will say what is wrong, if anything; a start is not refused for this."""
        if self.sender() is self._job:
            self._show_forecast(None)

    def _show_forecast(self, forecast: TrainingForecast | None) -> None:
        self.forecast = forecast
        self.forecast_changed.emit(forecast)
