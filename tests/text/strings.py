"""A seeded generator of strings that are hard on tokenizers: code, many scripts, emoji, blanks, markers."""

from __future__ import annotations

import random
from collections.abc import Iterator

MARKERS = (
    "<bos>", "<eos>", "<pad>", "<unk>", "<mask>", "<2mass>", "[@BOS@]", "<start_of_turn>", "<end_of_turn>",
    "<unused0>", "<unused7>", "<unused98>", "<start_of_image>", "<image_soft_token>", "<0x41>", "<0x0A>",
    "<s>", "</s>", "<|im_start|>", "<|im_end|>", "[toxicity=0]", "[INST]",
)  # fmt: skip

_TAGS = (
    "<b>",
    "</b>",
    "<table>",
    "</td>",
    "<h1>",
    "</h6>",
    "<code>",
    "<br>",
    "<div class='x'>",
    "<B>",
    "</ b>",
)

# Scripts as ranges of code points, with the letters that their texts use.
_SCRIPTS = (
    (0x61, 0x7A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF), (0x531, 0x58A), (0x5D0, 0x5EA),
    (0x900, 0x97F), (0x980, 0x9FE), (0xB80, 0xBFA), (0xE01, 0xE5B), (0x10A0, 0x10FF), (0x1200, 0x137C),
    (0x1780, 0x17DD), (0x3041, 0x3096), (0x30A1, 0x30FA), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3),
    (0x20000, 0x2A6DF), (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0x16A0, 0x16F0), (0x0F00, 0x0FDA),
    (0x620, 0x64A), (0x1F00, 0x1FFE),
)  # fmt: skip

_EMOJI = ("😀", "👩‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "👍🏽", "❤️", "🤷‍♀️", "🧑🏿‍🚀", "☃", "🀄", "⚧️", "🫠")

_PLAIN_WORDS = """the cat Hello world don't naïve Zürich ſtraße e.g. 12345 3.14159 1,000,000 model user
    system end of turn start unused HTTP GPU user_name camelCase supercalifragilistic x I ﬁne Ⅷ ½ ① … —
    “quoted” １２３ ▁"""
_WORDS = (*_PLAIN_WORDS.split(), "cafe\u0301", "A\u030a")

_CODE = (
    "def f(x: int) -> int:\n    return x * 2\n",
    "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}",
    "#include <b>\n",
    "SELECT * FROM t WHERE a <> 'b';",
    "<div>\n\t\t<b>x</b>\n</div>",
    '{"a": [1, 2.5e-3, null], "b": "\\n"}',
    "$ ls -la\r\n",
    "x = `y` && z || !w; // ok",
    "\\begin{equation} \\frac{1}{2} \\end{equation}",
    "if a<b and c>d:\n\tpass",
    "a<b>c</b>d",
    "https://example.org/a?b=c&d=%20#e",
    "lambda *a, **k: (a, k)",
    "std::vector<std::pair<int,int>> v;",
    "0xFF_u8 << 3",
)

_BLANKS = (
    " ",
    "\n",
    "\t",
    "\r\n",
    "\u00a0",
    "\u3000",
    "\u2003",
    "\u200b",
    "\u2028",
    "\ufeff",
    "\x0b",
    "\x0c",
    "\x85",
)

_ODD = (
    "\0",
    "\x01",
    "\x1b[31m",
    "\x7f",
    "\ufffd",
    "\ufffe",
    "\ue000",
    "\U0010ffff",
    "\u202e",
    "\u0301",
    "\ud800",
    "\udfff",
)


def strings(count: int, seed: int = 0) -> Iterator[str]:
    """`count` strings; the same for the same seed on every machine and Python."""
    generator = random.Random(seed)
    for _ in range(count):
        yield _string(generator)


def _string(generator: random.Random) -> str:
    kind = generator.random()
    if kind < 0.1:  # one sort of blank, also longer than the longest run in the vocabulary
        return "".join(_blanks(generator, 70) for _ in range(generator.randint(1, 4)))
    if kind < 0.2:  # any code points at all
        return "".join(_any_letter(generator) for _ in range(generator.randint(1, 30)))
    if kind < 0.25:  # repetition, where the order of merges matters
        return generator.choice(
            _WORDS + _EMOJI + ("a", "ab", "=", "-", "ha", " -", "\n ", "  \n")
        ) * generator.randint(2, 80)
    parts = [_part(generator) for _ in range(generator.randint(1, 14))]
    return generator.choice((" ", " ", "", "\n")).join(parts)


def _part(generator: random.Random) -> str:
    kind = generator.random()
    if kind < 0.3:
        return generator.choice(_WORDS)
    if kind < 0.45:
        low, high = generator.choice(_SCRIPTS)
        return "".join(_letter(generator, low, high) for _ in range(generator.randint(1, 9)))
    if kind < 0.55:
        return generator.choice(_CODE)
    if kind < 0.63:
        return generator.choice(_EMOJI)
    if kind < 0.73:
        return _blanks(generator, 40)
    if kind < 0.88:
        return _marker(generator)
    if kind < 0.94:
        return generator.choice(_TAGS)
    if kind < 0.97:
        return generator.choice(_ODD)
    return "".join(chr(generator.randint(0x21, 0x7E)) for _ in range(generator.randint(1, 12)))


def _marker(generator: random.Random) -> str:
    """A marker, whole or damaged: a letter dropped, doubled, changed in case, a blank put in."""
    marker = generator.choice(MARKERS)
    kind = generator.random()
    if kind < 0.6:
        return marker
    place = generator.randrange(len(marker))
    middle = generator.choice(("", marker[place] * 2, marker[place].upper(), marker[place] + " "))
    return marker[:place] + middle + marker[place + 1 :]


def _blanks(generator: random.Random, longest: int) -> str:
    run = generator.choice((" ", "\n", "\t")) * generator.randint(1, longest)
    return run + (generator.choice(_BLANKS) if generator.random() < 0.3 else "")


def _letter(generator: random.Random, low: int, high: int) -> str:
    return chr(generator.randint(low, high))


def _any_letter(generator: random.Random) -> str:
    plane = generator.random()
    if plane < 0.5:
        return chr(generator.randint(0, 0x2FF))
    if plane < 0.85:
        return chr(generator.randint(0, 0xFFFF))  # lone surrogates too
    return chr(generator.randint(0x10000, 0x10FFFF))
