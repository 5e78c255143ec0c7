"""The one root of every error that a user can cause or mend: what, where, how to mend it, what was kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass


class GemmaError(Exception):
    """An error that a person can act on. It crosses the worker's pipe and `--json` as `as_dict()`.

    `code` is a stable identifier in kebab case (tests and translations hang on it); `what` says what is
    wrong; `where` names the file, field, row or tensor; `fix` says how to mend it; `kept` what is safe.
    """

    def __init__(self, code: str, what: str, *, where: str = "", fix: str = "", kept: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.where = where
        self.fix = fix
        self.kept = kept

    def as_dict(self) -> dict[str, str]:
        return {"code": self.code, "what": self.what, "where": self.where, "fix": self.fix, "kept": self.kept}

    def __str__(self) -> str:
        parts = [self.what]
        if self.where:
            parts.append(f"Where: {self.where}")
        if self.fix:
            parts.append(f"To mend it: {self.fix}")
        if self.kept:
            parts.append(f"Kept: {self.kept}")
        return "\n".join(parts)


class SettingsError(GemmaError):
    """A setting is unknown, out of its limits, or does not go with another."""


class ModelError(GemmaError):
    """A model folder, its configuration or one of its tensors cannot be used."""


class TokenizerError(GemmaError):
    """A tokenizer is missing, unreadable, or does not belong to the model."""


class AdapterError(GemmaError):
    """An adapter is unreadable or was made for another model."""


class TrainingError(GemmaError):
    """Training cannot start or cannot go on."""


class Cancelled(GemmaError):
    """The user asked to stop. Raised only where there is nothing to hand back."""

    def __init__(self, kept: str = "") -> None:
        super().__init__("cancelled", "Stopped as you asked.", kept=kept)


@dataclass(frozen=True)
class RowProblem:
    """One bad row of a dataset: the file, its line or row number (from 1) and the reason in words."""

    file: str
    line: int
    reason: str


class DatasetError(GemmaError):
    """A dataset cannot be used. `problems` holds every bad row of the file, not only the first."""

    def __init__(
        self,
        code: str,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        kept: str = "",
        problems: Sequence[RowProblem] = (),
    ) -> None:
        super().__init__(code, what, where=where, fix=fix, kept=kept)
        self.problems = tuple(problems)

    def as_dict(self) -> dict[str, object]:  # type: ignore[override]
        return {**super().as_dict(), "problems": [asdict(problem) for problem in self.problems]}
