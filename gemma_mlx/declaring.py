"""How settings are declared, checked and read: names are strict, every refused field is reported at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from gemma_mlx.errors import SettingsError


class Settings(BaseModel):
    """The root of the settings classes: immutable, strict about names, readable from a file."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


def shown(group: str, *, advanced: bool = True, unit: str = "") -> dict[str, Any]:
    """Where a form shows a field: its group, whether behind "Advanced", and the unit beside it."""
    return {"group": group, "advanced": advanced, "unit": unit}


SettingsT = TypeVar("SettingsT", bound=Settings)


def settings_error(problem: ValidationError, where: str) -> SettingsError:
    """Every refused field of a settings class, in one error that names them."""
    lines = []
    for issue in problem.errors():
        name = ".".join(str(part) for part in issue["loc"]) or "settings"
        unknown = issue["type"] == "extra_forbidden"
        why = "there is no such setting" if unknown else issue["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {why}")
    return SettingsError(
        "bad-settings",
        "; ".join(lines),
        where=where,
        fix="Correct these settings and start again.",
        kept="Nothing was started or changed.",
    )


def check_settings(kind: type[SettingsT], values: dict[str, Any], where: str) -> SettingsT:
    """The settings that a mapping holds.

    Raises:
        SettingsError: with every unknown name and every value out of its limits; `where` names the source.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as problem:
        raise settings_error(problem, where) from None


class _Loader(yaml.SafeLoader):
    """YAML that refuses a name which is given twice, where it would otherwise forget the first silently."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    names = [key.value for key, _ in node.value]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise yaml.MarkedYAMLError(problem=f"given twice: {', '.join(twice)}", problem_mark=node.start_mark)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_settings(kind: type[SettingsT], path: Path) -> SettingsT:
    """The settings in a YAML or JSON file (YAML reads both).

    Raises:
        SettingsError: the file is missing, is not YAML, or a setting in it is refused.
    """
    try:
        values = _Loader(path.read_text(encoding="utf-8")).get_single_data()
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise SettingsError(
            "unreadable-settings",
            f"The settings file cannot be read: {problem}",
            where=str(path),
            fix="Give a YAML or JSON file of settings.",
        ) from None
    if not isinstance(values, dict):
        raise SettingsError(
            "unreadable-settings",
            "The settings file does not hold names and values.",
            where=str(path),
            fix="Write one `name: value` a line, grouped as in resources/recipes.",
        )
    return check_settings(kind, values, str(path))
