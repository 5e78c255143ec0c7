"""Flags made from the settings classes, so that each setting's name, help, limits and default stand once."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from cyclopts import Group, Parameter
from pydantic.fields import FieldInfo

from gemma_mlx.declaring import Settings, SettingsT, check_settings, read_settings
from gemma_mlx.errors import SettingsError

JsonFlag = Annotated[
    bool,
    Parameter(negative=(), show_default=False, help="Print one JSON document instead of words; errors too."),
]
OutFolder = Annotated[Path, Parameter(name="--out", help="The new model's folder; it must not be there yet.")]
ConfigFlag = Annotated[Path | None, Parameter(help="A YAML or JSON file of settings; flags override it.")]

Given = dict[str, dict[str, Any]]
"""The settings that the command line names, by group: nothing that was not given."""

Command = TypeVar("Command", bound=Callable[..., Any])


def with_settings(*, leave_out: Sequence[str] = (), **groups: type[Settings]) -> Callable[[Command], Command]:
    """Give a command one flag for each field of these settings classes.

    The command takes `given: Given`; `given["training"]` holds the fields of `training=TrainSettings` that
    the command line names, unchecked: `check_settings` or `merged_settings` judges them. `leave_out` are
    fields that get no flag.

    Raises:
        ValueError: two of the classes have a field of the same name.
    """

    def decorate(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        parameters = [parameter for parameter in signature.parameters.values() if parameter.name != "given"]
        home: dict[str, str] = {}
        for key, kind in groups.items():
            for name, field in kind.model_fields.items():
                if not _has_flag(field) or name in leave_out:
                    continue
                if name in home or name in signature.parameters:
                    raise ValueError(f"{command.__name__}: two flags are called {name}")
                home[name] = key
                parameters.append(_flag(name, field))

        @functools.wraps(command)
        def run(*arguments: Any, **named: Any) -> Any:
            given: Given = {key: {} for key in groups}
            for name in list(named):
                if name in home:
                    given[home[name]][name] = named.pop(name)
            return command(*arguments, given=given, **named)

        run.__signature__ = signature.replace(parameters=_ordered(parameters))  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run  # type: ignore[return-value]

    return decorate


def within(lowest: float, highest: float) -> Callable[[Any, Any], None]:
    """A flag's validator that refuses what is no number too; cyclopts' own lets it in."""

    def check(_kind: Any, value: Any) -> None:
        if value is not None and not lowest <= value <= highest:
            raise ValueError(f"It is a number from {lowest:g} to {highest:g}.")

    return check


def merged_settings(kind: type[SettingsT], config: Path | None, given: dict[str, Any]) -> SettingsT:
    """The settings of a file, overridden by what the command line gave.

    `given` is nested as the class is: {"model": ..., "training": {"steps": 5}}.

    Raises:
        SettingsError: the file cannot be read, or a setting is refused; it names the file or the flag.
    """
    if config is None:
        return check_settings(kind, given, "the command line")
    from_file = read_settings(kind, config).model_dump(exclude_unset=True)
    try:
        return check_settings(kind, _overridden(from_file, given), "the command line")
    except SettingsError as problem:
        problem.where = f"the command line over {config}"
        raise


def _overridden(values: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, value in given.items():
        below = merged.get(name)
        merged[name] = (
            _overridden(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
        )
    return merged


def _ordered(parameters: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Python wants positional parameters first, and those without default before those with one."""
    return sorted(parameters, key=lambda parameter: parameter.kind)


def _has_flag(field: FieldInfo) -> bool:
    """Nested settings are groups of their own, not flags."""
    return not any(
        inspect.isclass(kind) and issubclass(kind, Settings) for kind in _members(field.annotation)
    )


def _members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(get_args(annotation))
    return (annotation,)


def _flag(name: str, field: FieldInfo) -> inspect.Parameter:
    """One keyword parameter whose absence can be seen: it has a default only for the help text."""
    kinds = _members(field.annotation)
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    default = field.get_default(call_default_factory=True)
    shown = _default_text(default)
    parameter = Parameter(
        help=_help_text(field),
        group=Group(str(extra.get("group", "Settings")), sort_key=_group_order(str(extra.get("group", "")))),
        negative=None if bool in kinds else (),
        consume_multiple=True if any(get_origin(kind) is list for kind in kinds) else None,
        show_default=(lambda _value: shown) if shown else False,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[field.annotation, parameter],
    )


def _help_text(field: FieldInfo) -> str:
    words = field.description or field.title or ""
    limits = _limits_text(field)
    return f"{words} ({limits})" if limits else words


def _default_text(default: Any) -> str:
    if default is None or default is False or default in ([], {}, ""):
        return ""
    if isinstance(default, list):
        return " ".join(str(item) for item in default)
    return str(default)


def _limits_text(field: FieldInfo) -> str:
    """The limits of a number in words: "1 to 1024", "above 0", "below 1"."""
    found: dict[str, Any] = {}
    for limit in field.metadata:
        for name in ("ge", "gt", "le", "lt"):
            if hasattr(limit, name):
                found[name] = getattr(limit, name)
    if isinstance(found.get("lt"), int) and found["lt"] >= 2**31:
        del found["lt"]  # the width of an integer says nothing to a person
    low, high = found.get("ge"), found.get("le")
    if low is not None and high is not None:
        return f"{low} to {high}"
    words = []
    if low is not None:
        words.append(f"at least {low}")
    if "gt" in found:
        words.append(f"above {found['gt']}")
    if high is not None:
        words.append(f"at most {high}")
    if "lt" in found:
        words.append(f"below {found['lt']}")
    return ", ".join(words)


def _group_order(group: str) -> int:
    order = ("Model", "Data", "Training", "Adapter", "Quantization", "Memory", "Watching", "Sampling")
    return 10 + (order.index(group) if group in order else len(order))


def choices_of(kind: type[Settings], name: str) -> tuple[Any, ...]:
    """The values that a field with fixed choices takes."""
    return tuple(
        choice
        for member in _members(kind.model_fields[name].annotation)
        if get_origin(member) is Literal
        for choice in get_args(member)
    )
