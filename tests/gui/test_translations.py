"""Chinese and Russian: every text of the window is translated, and keeps its places for figures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QTranslator
from PySide6.QtWidgets import QApplication

from tools.translations import FOLDER, LANGUAGES, gather, read

PLACE = re.compile(r"\{\w+\}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    known = read(FOLDER / f"gemma_mlx_{language}.ts")
    missing = [
        f"{context}: {text}"
        for context, texts in gather().items()
        for text in texts
        if (context, text) not in known
    ]
    assert not missing, "run tools/translations.py --missing:\n" + "\n".join(missing)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_their_places(language: str) -> None:
    for (context, text), translation in read(FOLDER / f"gemma_mlx_{language}.ts").items():
        if context != "Settings":  # help texts show JSON
            assert sorted(PLACE.findall(text)) == sorted(PLACE.findall(translation)), text


@pytest.mark.parametrize(
    ("language", "said"), [("zh_CN", "没有打开的数据集"), ("ru", "Набор данных не открыт")]
)
def test_the_compiled_files_are_those_of_the_texts(qapp: QApplication, language: str, said: str) -> None:
    translator = QTranslator(qapp)
    assert translator.load(f"gemma_mlx_{language}", str(FOLDER))
    qapp.installTranslator(translator)
    try:
        assert QCoreApplication.translate("DatasetsPage", "No dataset is open") == said
    finally:
        qapp.removeTranslator(translator)


def test_the_gathering_finds_texts_in_every_form(tmp_path: Path) -> None:
    texts = gather()
    assert "Models" in texts["MainWindow"]
    assert "Rank" in texts["Details"], "a function with a typed page"
    assert "Fits" in texts["Wording"], "a wrapper around translate"
    assert "Learning rate" in texts["Settings"], "a settings class"
    assert "Quantizing" in texts["Stages"], "a stage of the engine"
