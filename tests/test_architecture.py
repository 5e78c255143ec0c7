"""The house as DESIGN fixes it: who knows whom, what importing does, and what no file may hold."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("gemma_mlx", "gui")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
"""All files of the program."""

CODE = sorted([*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "tools").rglob("*.py")])


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def lint_imports(folder: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    program = (
        "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=sys.argv[1]))"
    )
    return subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, '.'); {program}", str(cache)],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def test_a_wing_knows_only_the_wings_below_it(tmp_path: Path) -> None:
    result = lint_imports(ROOT, tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("gemma_mlx/models/layers.py", "import gemma_mlx.training.losses"),
        ("gemma_mlx/text/tokenizer.py", "import gemma_mlx.data.formats"),
        ("gui/app.py", "import mlx.core"),
        ("gui/app.py", "import gemma_mlx.load"),
        ("gemma_mlx/events.py", "import PySide6.QtCore"),
    ],
)
def test_the_import_rules_catch_a_planted_import(tmp_path: Path, file: str, line: str) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    planted = tmp_path / file
    planted.write_text(planted.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")
    result = lint_imports(tmp_path, tmp_path / "cache")
    assert result.returncode != 0
    assert "BROKEN" in result.stdout


def loaded_after(program: str) -> set[str]:
    """The top-level modules that a new process holds after a program."""
    asked = f"{program}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    result = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.splitlines()[-1].split())


HEAVY = {"mlx", "mlx_lm", "transformers", "torch", "tokenizers", "sentencepiece", "pyarrow"}


def test_the_windows_process_loads_no_engine() -> None:
    assert not loaded_after("import gui.app, gui.main_window") & HEAVY


def test_help_loads_no_engine() -> None:
    loaded = loaded_after("from gemma_mlx.cli import run\nassert run(['--help']) == 0")
    assert not loaded & (HEAVY | {"pydantic", "numpy", "huggingface_hub"})


def test_help_of_every_command_loads_no_engine() -> None:
    program = (
        "from gemma_mlx.cli import installed_commands, run\n"
        "for _, name, _ in installed_commands():\n"
        "    assert run([name, '--help']) == 0, name"
    )
    assert not loaded_after(program) & HEAVY


LOADED_FIRST = (
    *("mlx.core", "mlx.nn", "mlx.optimizers", "mlx.utils", "numpy", "pydantic", "yaml", "rich.progress"),
    *("cyclopts", "pyarrow", "pyarrow.parquet", "sentencepiece", "tokenizers", "jinja2.sandbox", "keyring"),
    *("platformdirs", "PySide6.QtWidgets", "pyqtgraph", "huggingface_hub", "safetensors"),
)
"""What other packages do while they are imported is not ours: these are loaded before the watch begins."""

EXTRAS = ("torch", "transformers", "peft", "PyInstaller", "gguf", "h5py", "msgpack", "starlette", "uvicorn")

WATCHED_IMPORTS = """
import importlib, sys
for name in {first!r}:
    try:
        importlib.import_module(name)
    except ImportError:
        pass
watching = True
def watch(event, arguments):
    if not watching:
        return
    if event in ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.mkdir", "os.remove"):
        raise AssertionError(f"{{event}} {{arguments}}")
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        raise AssertionError(f"writes {{arguments[0]}}")
sys.addaudithook(watch)
sys.dont_write_bytecode = True
for name in {names!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        assert missing.name.split(".")[0] in {extras!r}, (name, missing)
watching = False
"""


def test_importing_does_nothing() -> None:
    """No file written, no socket, no process, no word, whichever module is imported."""
    names = [module_name(path) for path in MODULES if path.name != "__main__.py"]
    program = WATCHED_IMPORTS.format(first=LOADED_FIRST, names=names, extras=EXTRAS)
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout == ""


def test_a_file_says_in_one_sentence_what_it_is_for() -> None:
    for path in MODULES:
        sentence = (ast.get_docstring(tree_of(path)) or "").partition("\n")[0]
        assert sentence.endswith((".", ":", "?", "!")), f"{name_of(path)}: {sentence!r}"


def test_a_file_is_read_in_one_sitting() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    long = {name: length for name, length in lengths.items() if length > 500}
    assert not long, f"cut these where they cut naturally: {long}"


def test_every_module_has_its_test_file() -> None:
    """tests/**/test_NAME.py for each module of the engine.

    The window is tested as people use it: a test file of its own, or one that drives the page it is part of,
    or one that imports it.
    """
    files = {path.stem.removeprefix("test_") for path in (ROOT / "tests").rglob("test_*.py")}
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))
    named, window = imported_in(tests), {module_name(path): path for path in MODULES if in_window(path)}
    tested = {name for name, path in window.items() if {path.stem, path.parent.name} & files or name in named}
    while True:  # what a driven page is made of is driven with it
        parts = {name for of in tested for name in imported_in(window[of].read_text(encoding="utf-8"))}
        if not (parts & window.keys()) - tested:
            break
        tested |= parts & window.keys()
    without = [
        name_of(path)
        for path in MODULES
        if path.stem not in {*files, "__init__", "__main__"} and module_name(path) not in tested
    ]
    assert not without, f"no tests/**/test_NAME.py for: {', '.join(without)}"


def in_window(path: Path) -> bool:
    return path.is_relative_to(ROOT / "gui") or path.parent.name == "worker"


def imported_in(source: str) -> set[str]:
    return set(re.findall(r"^ *from ((?:gui|gemma_mlx)[\w.]*)", source, re.MULTILINE))


def test_packages_reexport_nothing() -> None:
    for path in MODULES:
        if path.name == "__init__.py":
            imports = [node for node in tree_of(path).body if isinstance(node, ast.Import | ast.ImportFrom)]
            assert not imports, name_of(path)


def test_no_generation_is_named_in_a_call() -> None:
    """Gemma 1, 2 and 3 differ by data; a forward pass asks for a field, never for a name."""
    for path in (ROOT / "gemma_mlx" / "models").glob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.name in ("__call__", "hidden", "head"):
                code = "\n".join(ast.unparse(line) for line in node.body if not is_docstring(line))
                assert not re.search(r"gemma[123]|generation", code), f"{name_of(path)}, {node.name}"


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


DANGEROUS_CALLS = ("eval", "exec", "compile", "__import__", "os.system", "torch.load", "yaml.load")
DANGEROUS_MODULES = ("pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")


def dangers_of(tree: ast.Module) -> list[str]:
    """Where a file of a user could come to run as code."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [
                f"imports {each.name}" for each in node.names if each.name.split(".")[0] in DANGEROUS_MODULES
            ]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in DANGEROUS_MODULES:
            found.append(f"imports from {node.module}")
        if isinstance(node, ast.Call):
            if ast.unparse(node.func) in DANGEROUS_CALLS:
                found.append(f"line {node.lineno}: {ast.unparse(node.func)}")
            for keyword in node.keywords:
                harmless = isinstance(keyword.value, ast.Constant) and not keyword.value.value
                if keyword.arg in ("trust_remote_code", "allow_pickle") and not harmless:
                    found.append(f"line {node.lineno}: {keyword.arg}")
    return found


def test_no_file_of_a_user_can_run_code() -> None:
    for path in MODULES:
        assert not dangers_of(tree_of(path)), name_of(path)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "eval(text)",
        "load(x, trust_remote_code=True)",
        "os.system(a)",
    ],
)
def test_the_search_for_dangers_finds_them(line: str) -> None:
    assert dangers_of(ast.parse(line))


PLACES = re.compile(
    r"py[p]i\.o[r]g|python[h]osted|n[p]mjs\.o[r]g|/wo[r]k/|/fa[r]m/|/o[p]t/(wheels|py[p]i)|/tm[p]/venv"
)
"""A registry's address or a path of one machine; written so that this file does not hold them."""


def test_no_registry_and_no_machine_is_named() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if path.is_file() and path.stat().st_size < 5_000_000:
            found = PLACES.search(path.read_bytes().decode("utf-8", errors="ignore"))
            assert not found, f"{name}: {found and found.group()}"
