"""Gathers the window's texts into Qt's .ts files and compiles them: `python tools/translations.py`.

lupdate does not follow the ways in which Python code names contexts (a function with a typed page, a wrapper
around `translate`), and it cannot see the settings classes; so it is done here, over the syntax tree.
Existing translations are kept; texts that are gone are dropped. `--missing` prints what is not translated
yet, as JSON; `--take FILE` takes translations from such a JSON file.
"""

from __future__ import annotations

import argparse
import ast
import json
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "resources" / "translations"
LANGUAGES = ("zh_CN", "ru")
Texts = dict[str, dict[str, None]]
"""Context to its texts, in the order of the code."""


class Gatherer(ast.NodeVisitor):
    """The texts of one module."""

    def __init__(self, module: ast.Module, texts: Texts) -> None:
        self.texts = texts
        self.context = ""
        self.typed: dict[str, str] = {}
        self.wrappers = dict(_wrappers(module))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        before, self.context = self.context, node.name
        self.generic_visit(node)
        self.context = before

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        before = self.typed
        arguments = {
            argument.arg: argument.annotation.id
            for argument in node.args.args
            if isinstance(argument.annotation, ast.Name)
        }
        self.typed = {**before, **arguments}
        self.generic_visit(node)
        self.typed = before

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        words = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        words = [word for word in words if isinstance(word, str)]
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name == "translate" and len(words) == 2:
            self._add(words[0], words[1])
        elif name == "tr" and isinstance(node.func, ast.Attribute) and len(words) == 1:
            owner = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
            self._add(self.typed.get(owner, self.context) if owner != "self" else self.context, words[0])
        elif name == "tr" and isinstance(node.func, ast.Name):
            if len(words) == 2:
                self._add(words[0], words[1])
            elif len(words) == 1:
                self._add(next(iter(self.typed.values()), self.context), words[0])
        elif name in self.wrappers and len(words) == 1:
            self._add(self.wrappers[name], words[0])

    def _add(self, context: str, text: str) -> None:
        if text:
            self.texts.setdefault(context, {})[text] = None


def _wrappers(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Functions such as `def _tr(text): return translate("Wording", text)`, and their context."""
    for node in module.body:
        if not isinstance(node, ast.FunctionDef) or not isinstance(node.body[-1], ast.Return):
            continue
        call = node.body[-1].value
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "translate":
            context = call.args[0]
            if isinstance(context, ast.Constant) and isinstance(call.args[1], ast.Name):
                yield node.name, str(context.value)


def gather() -> Texts:
    """Every text of the window: from its code, from the settings classes, and the engine's stages."""
    texts: Texts = {}
    for path in sorted((ROOT / "gui").rglob("*.py")):
        module = ast.parse(path.read_text(encoding="utf-8"))
        Gatherer(module, texts).visit(module)
    for text in _settings():
        texts.setdefault("Settings", {})[text] = None
    for text in _stages():
        texts.setdefault("Stages", {})[text] = None
    return {context: texts[context] for context in sorted(texts)}


def _settings() -> Iterator[str]:
    """Labels, help, groups and units of every settings class."""
    sys.path.insert(0, str(ROOT))
    from gemma_mlx import settings

    for kind in vars(settings).values():
        if isinstance(kind, type) and issubclass(kind, settings.Settings):
            for field in kind.model_fields.values():
                extra: Any = field.json_schema_extra
                shown = extra if isinstance(extra, dict) else {}
                for text in (field.title, field.description, shown.get("group"), shown.get("unit")):
                    if text:
                        yield str(text)


def _stages() -> Iterator[str]:
    """The stages that the engine's Progress events name in so many words."""
    for path in sorted((ROOT / "gemma_mlx").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Progress" and node.args:
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    yield first.value


def read(path: Path) -> dict[tuple[str, str], str]:
    """The finished translations of a .ts file, by context and text."""
    if not path.is_file():
        return {}
    found = {}
    for context in xml.parse(path).getroot().iter("context"):
        name = context.findtext("name") or ""
        for message in context.iter("message"):
            translation = message.find("translation")
            if translation is not None and translation.get("type") is None and translation.text:
                found[name, message.findtext("source") or ""] = translation.text
    return found


def write(path: Path, language: str, texts: Texts, known: dict[tuple[str, str], str]) -> None:
    """A .ts file with every text; those that are not translated are marked unfinished."""
    root = xml.Element("TS", version="2.1", language=language, sourcelanguage="en")
    for context, sources in texts.items():
        group = xml.SubElement(root, "context")
        xml.SubElement(group, "name").text = context
        for source in sources:
            message = xml.SubElement(group, "message")
            xml.SubElement(message, "source").text = source
            translation = xml.SubElement(message, "translation")
            if (context, source) in known:
                translation.text = known[context, source]
            else:
                translation.set("type", "unfinished")
    xml.indent(root)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n'
    path.write_text(head + xml.tostring(root, encoding="unicode") + "\n", encoding="utf-8")


def compile_all() -> None:
    """The .ts files as .qm, which the window loads."""
    program = shutil.which("pyside6-lrelease") or str(Path(sys.executable).with_name("pyside6-lrelease"))
    for language in LANGUAGES:
        source = FOLDER / f"gemma_mlx_{language}.ts"
        subprocess.run([program, "-silent", str(source), "-qm", str(source.with_suffix(".qm"))], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--missing", action="store_true")
    parser.add_argument("--take", type=Path, help="JSON: {language: {context: {text: translation}}}")
    given = parser.parse_args()
    texts = gather()
    taken = json.loads(given.take.read_text(encoding="utf-8")) if given.take else {}
    FOLDER.mkdir(parents=True, exist_ok=True)
    missing: dict[str, dict[str, list[str]]] = {}
    for language in LANGUAGES:
        path = FOLDER / f"gemma_mlx_{language}.ts"
        known = read(path)
        for context, pairs in taken.get(language, {}).items():
            known |= {(context, text): translation for text, translation in pairs.items()}
        write(path, language, texts, known)
        for context, sources in texts.items():
            open_ones = [source for source in sources if (context, source) not in known]
            if open_ones:
                missing.setdefault(language, {})[context] = open_ones
    compile_all()
    if given.missing:
        print(json.dumps(missing, ensure_ascii=False, indent=1))
    else:
        print(
            {language: sum(map(len, contexts.values())) for language, contexts in missing.items()}, "missing"
        )


if __name__ == "__main__":
    main()
