"""Tests that README and CONTRIBUTING are true: their code runs, what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gemma_mlx import cli
from tests.command_line import write_rows

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CONTRIBUTING.md")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def test_readmes_python_trains_and_chats(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it stands, but for the paths: a tiny model takes the embedded one's place."""
    (code,) = re.findall(r"<!-- a test runs this -->\n```python\n(.*?)```", read("README.md"), re.S)
    for name, path in (
        ("resources/demo/model", tiny_model),
        ("resources/demo/pirate", write_rows(tmp_path / "rows.jsonl", 8)),
    ):
        assert name in code and (ROOT / name).exists()
        code = code.replace(name, str(path))
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), namespace)
    assert (tmp_path / "my-run" / "adapter" / "adapter_model.safetensors").is_file()
    chat = namespace["chat"]
    assert capsys.readouterr().out == chat.tree.path()[-1].content  # type: ignore[attr-defined]


def test_readme_names_every_command() -> None:
    rows = re.findall(r"^\| ((?:`[a-z]+`(?:, )?)+) \| ", read("README.md").split("## In Python")[0], re.M)
    named = {name for row in rows for name in re.findall(r"`([a-z]+)`", row)}
    missing = {name for _, name, _ in cli.installed_commands()} - named
    assert not missing, f"README's table lacks: {', '.join(sorted(missing))}"


def test_readme_names_no_command_that_is_not_there() -> None:
    table = read("README.md").split("| command | does |")[1].split("\n\n")[0]
    named = set(
        re.findall(r"`([a-z]+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    )
    assert named <= {name for _, name, _ in cli.installed_commands()}


@pytest.mark.parametrize("page", PAGES)
def test_paths_and_links_lead_somewhere(page: str) -> None:
    text = read(page)
    links = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    paths = re.findall(r"`((?:gemma_mlx|gui|tests|resources|requirements|tools)/[\w./]*)`", text)
    assert links or paths
    for target in [*links, *(path for path in paths if not re.search("[A-Z]{4}", path))]:
        assert (ROOT / target).exists(), f"{page} names {target}"


@pytest.mark.parametrize(
    ("page", "file", "names"),
    [
        (
            "CONTRIBUTING.md",
            "gemma_mlx/models/config.py",
            ("GENERATIONS", "parse_config", "parameter_shapes"),
        ),
        ("CONTRIBUTING.md", "gemma_mlx/load.py", ("BUILDERS",)),
        (
            "CONTRIBUTING.md",
            "gemma_mlx/library/store.py",
            ("GENERATION_NAMES", "atomic_write", "atomic_folder"),
        ),
        ("CONTRIBUTING.md", "gemma_mlx/settings.py", ("DatasetFormat",)),
        ("CONTRIBUTING.md", "gemma_mlx/data/columns.py", ("REQUIRED", "OPTIONAL")),
        ("CONTRIBUTING.md", "gemma_mlx/data/content.py", ("row_contents", "BadRow")),
        ("CONTRIBUTING.md", "gemma_mlx/cli.py", ("COMMANDS",)),
    ],
)
def test_names_are_those_of_the_code(page: str, file: str, names: tuple[str, ...]) -> None:
    text, code = read(page), (ROOT / file).read_text(encoding="utf-8")
    for name in names:
        assert name in text and re.search(rf"\b{name}\b", code)
