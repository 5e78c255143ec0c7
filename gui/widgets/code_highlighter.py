"""Colours code by what nearly every language shares: comments, strings, numbers, keywords."""

from __future__ import annotations

import re

from PySide6.QtGui import QSyntaxHighlighter, QTextCharFormat, QTextDocument

from gui.theme import Theme

_WORDS = """
and as assert async await bool break case catch char class const continue def default defer del do double elif
else end enum except export extends extern False final finally float fn for from func function global go if
impl implements import in include int interface is lambda let local long loop match mod module mut namespace
new nil None nonlocal not null of or package pass private protected pub public raise ref return select self
short signed static string struct super switch then this throw trait True true false try type typedef union
unsafe unsigned until use using var virtual void where while with yield echo fi done esac
SELECT FROM WHERE INSERT UPDATE DELETE CREATE TABLE JOIN GROUP ORDER BY LIMIT VALUES INTO AND OR NOT NULL
"""
_KEYWORDS = frozenset(_WORDS.split())
_HASH_COMMENTS = frozenset(
    ("python", "py", "sh", "bash", "zsh", "shell", "ruby", "rb", "yaml", "yml", "toml", "r", "perl", "make")
)
_DASH_COMMENTS = frozenset(("sql", "lua", "haskell", "hs"))
_PLAIN = frozenset(("", "text", "txt", "markdown", "md", "output", "console", "plain"))
_TOKEN = re.compile(
    r"(?P<string>\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?|`(?:\\.|[^`\\])*`?)"
    r"|(?P<number>\b\d[\w.]*)|(?P<word>[A-Za-z_]\w*)|(?P<comment>//.*|/\*.*?(?:\*/|$)|#.*|--.*)"
)


class CodeHighlighter(QSyntaxHighlighter):
    """Line by line; nothing is remembered from one line to the next, so that a stream stays cheap."""

    def __init__(self, document: QTextDocument, theme: Theme, language: str) -> None:
        super().__init__(document)
        self._theme = theme
        self._language = language

    def highlightBlock(self, text: str) -> None:
        if self._language in _PLAIN:
            return
        place = 0
        while (match := _TOKEN.search(text, place)) is not None:
            place = max(match.end(), match.start() + 1)
            kind = match.lastgroup
            token = ""
            if kind == "comment":
                if not self._is_comment(match.group()):
                    place = match.start() + 1
                    continue
                token = "text_secondary"
            elif kind == "word":
                token = "control" if match.group() in _KEYWORDS else ""
            else:
                token = "success" if kind == "string" else "chart_2"
            if token:
                look = QTextCharFormat()
                look.setForeground(self._theme.color(token))
                self.setFormat(match.start(), match.end() - match.start(), look)

    def _is_comment(self, text: str) -> bool:
        if text.startswith("#"):
            return self._language in _HASH_COMMENTS
        if text.startswith("--"):
            return self._language in _DASH_COMMENTS
        return self._language not in _HASH_COMMENTS | _DASH_COMMENTS
