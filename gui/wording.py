"""Figures in words: sizes, counts, durations and verdicts, in the user's language and number format."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

from gemma_mlx.worker.results import ModelSummary, Verdict


def size_text(count: int | float) -> str:
    """Bytes as the Finder shows them (1 GB = 10^9): "1.5 GB", "42 MB"."""
    locale = QLocale()
    units = ((_tr("TB"), 1e12), (_tr("GB"), 1e9), (_tr("MB"), 1e6), (_tr("KB"), 1e3))
    for unit, size in units:
        if count >= size * 0.9995:
            value = count / size
            digits = 1 if value < 99.95 and size >= 1e9 else 0
            return f"{locale.toString(value, 'f', digits)} {unit}"
    return f"{locale.toString(int(count))} {_tr('bytes')}"


def count_text(count: int) -> str:
    """A whole number with its groups: "12,345"."""
    return QLocale().toString(int(count))


def number_text(value: float, digits: int = 2) -> str:
    """A number with so many digits behind the point."""
    return QLocale().toString(float(value), "f", digits)


def parameters_text(count: int) -> str:
    """Parameters as people say them: "2.6 billion", "270 million"."""
    if count >= 1e9:
        return _tr("{number} billion parameters").format(number=number_text(count / 1e9, 1))
    if count >= 1e6:
        return _tr("{number} million parameters").format(number=number_text(count / 1e6, 0))
    return _tr("{number} parameters").format(number=count_text(count))


def percent_text(share: float, digits: int = 0) -> str:
    """A share from 0 to 1 as "42 %"."""
    return f"{number_text(share * 100, digits)} %"


def duration_text(seconds: float) -> str:
    """A time span, coarse: "40 s", "6 min", "2 h 05 min"."""
    seconds = max(0, round(seconds))
    if seconds < 90:
        return _tr("{seconds} s").format(seconds=seconds)
    minutes = round(seconds / 60)
    if minutes < 90:
        return _tr("{minutes} min").format(minutes=minutes)
    return _tr("{hours} h {minutes} min").format(hours=minutes // 60, minutes=f"{minutes % 60:02d}")


def path_text(path: str) -> str:
    """A path as people write it: "~/Documents/orders.jsonl"."""
    try:
        return (Path("~") / Path(path).relative_to(Path.home())).as_posix()
    except ValueError:
        return path


def day_text(iso: str) -> str:
    """The day of a time in ISO 8601, in the user's zone and way of writing; "" where it is none."""
    moment = _moment(iso)
    return QLocale().toString(moment.date(), QLocale.FormatType.ShortFormat) if moment else ""


def moment_text(iso: str, now: QDateTime | None = None) -> str:
    """A time as people say it: "12:24" today, "Yesterday", the weekday within a week, else the day."""
    moment = _moment(iso)
    if moment is None:
        return ""
    locale = QLocale()
    days = moment.date().daysTo((now or QDateTime.currentDateTime()).date())
    if days == 0:
        return locale.toString(moment.time(), QLocale.FormatType.ShortFormat)
    if days == 1:
        return _tr("Yesterday")
    if 1 < days < 7:
        return locale.standaloneDayName(moment.date().dayOfWeek())
    return locale.toString(moment.date(), QLocale.FormatType.ShortFormat)


def _moment(iso: str) -> QDateTime | None:
    try:
        seconds = datetime.fromisoformat(iso).timestamp()
    except ValueError:
        return None
    return QDateTime.fromSecsSinceEpoch(int(seconds))


def verdict_text(verdict: Verdict, needed: int, allowed: int) -> str:
    """ "Fits", "Tight", or what is needed against what the machine allows."""
    if verdict == "fits":
        return _tr("Fits")
    if verdict == "tight":
        return _tr("Tight")
    if verdict == "too-large":
        text = _tr("Needs {needed}, this Mac allows {allowed}")
        if sys.platform != "darwin":
            text = _tr("Needs {needed}, this computer allows {allowed}")
        return text.format(needed=size_text(needed), allowed=size_text(allowed))
    return _tr("Not known")


def memory_text(total: int, allowed: int) -> str:
    """What memory the machine has, and how much of it a model may take."""
    text = _tr("This Mac has {total} of memory and allows {allowed} for a model.")
    if sys.platform != "darwin":
        text = _tr("This computer has {total} of memory and allows {allowed} for a model.")
    return text.format(total=size_text(total), allowed=size_text(allowed))


def verdict_texts(verdict: Verdict, needed: int, allowed: int) -> tuple[str, ...]:
    """The same for a badge: the whole wording, and a shorter one for where room is scarce."""
    whole = verdict_text(verdict, needed, allowed)
    if verdict != "too-large":
        return (whole,)
    return whole, _tr("Needs {needed}").format(needed=size_text(needed)), _tr("Too large")


VERDICT_TONES: dict[str, str] = {"fits": "success", "tight": "warning", "too-large": "danger", "unknown": ""}
"""The tone of a verdict's badge."""


def model_line(model: ModelSummary) -> str:
    """What tells models apart, in one line: generation, parameters, quantization or width, size on disk."""
    parts = [model.generation]
    if model.parameters:
        parts.append(parameters_text(model.parameters))
    parts.append(model.quantization or model.dtype)
    parts.append(size_text(model.size_bytes))
    return " · ".join(part for part in parts if part)


def stage_text(stage: str) -> str:
    """A stage of long work (an engine's words) in the user's language; unknown ones as they are."""
    for begin, text in (
        ("Downloading ", _tr("Downloading {name}")), ("Asking for ", _tr("Asking for {name}")),
    ):  # fmt: skip
        if stage.startswith(begin):
            return text.format(name=stage.removeprefix(begin))
    return QCoreApplication.translate("Stages", stage)


def _tr(text: str) -> str:
    return QCoreApplication.translate("Wording", text)
