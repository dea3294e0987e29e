"""Text in any script, drawn character by character with the first font that has it: Pillow takes one font for all.

The fonts come with two packages of the extra `library`, so that a fresh machine draws Chinese and emoji as well. What
they lack may be in one of the system's fonts; what no font has is drawn as □.
"""

from __future__ import annotations

import importlib.util
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from typing import Final

from PIL import ImageDraw, ImageFont

from langchain_dmx_omni._warnings import warn_user

__all__ = ["FontStack", "printable", "wrapped"]

_LATIN, _EMOJI, _CJK = "NotoSans[wght].ttf", "NotoEmoji[wght].ttf", "NotoSansCJK-VF.otf.ttc"
_SIMPLIFIED_CHINESE: Final = 2
"""Of the faces in the collection of Chinese, Japanese and Korean fonts; each has all characters of the others."""
_REGULAR: Final = 400
# Searched by name in the system's folders, by Pillow.
_OF_SYSTEMS: Final = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "PingFang.ttc",
    "Hiragino Sans GB.ttc",
    "Arial Unicode.ttf",
    "msyh.ttc",
    "simhei.ttf",
    "seguiemj.ttf",
    "seguisym.ttf",
    "NotoEmoji-Regular.ttf",
)
_NO_CHARACTER: Final = "\U0010ffff"
_MISSING: Final = "□"
# What changes the character before it, or joins it to the next: shaped with it, in its font.
_JOINED: Final = re.compile("[\u200c\u200d\ufe00-\ufe0f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")
_WIDE: Final = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
_CLOSING: Final = "、。，．！？：；）」』】》〉〕"
# Lines break at spaces and around wide characters, but not before closing punctuation.
_UNITS: Final = re.compile(rf"[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+[{_CLOSING}]*|\s+")


class FontStack:
    """Fonts of one size, the first of which has most of what is written.

    Args:
        size: Pixels.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._fonts: list[ImageFont.FreeTypeFont] = []
        self._sources = _loaders(size)
        self._chosen: dict[str, ImageFont.FreeTypeFont | None] = {}
        self.missing: set[str] = set()
        """Characters that no font has."""

    @cached_property
    def line_height(self) -> int:
        """Pixels from one baseline to the next."""
        return round(self._size * 1.4)

    def width(self, text: str) -> float:
        """Return the pixels that a text is wide."""
        return sum(font.getlength(part) for font, part in self._runs(text))

    def draw(self, draw: ImageDraw.ImageDraw, left: float, top: float, text: str, fill: str) -> None:
        """Draw a line of text whose top left corner is given in pixels."""
        baseline = top + self._size
        for font, part in self._runs(text):
            draw.text((left, baseline), part, fill, font, anchor="ls")
            left += font.getlength(part)

    def _runs(self, text: str) -> Iterator[tuple[ImageFont.FreeTypeFont, str]]:
        """Yield the parts of a text that are drawn with one font each."""
        fonts: list[tuple[ImageFont.FreeTypeFont, str]] = []
        for character in text:
            if fonts and (_JOINED.match(character) or unicodedata.category(character)[0] == "M"):
                fonts.append((fonts[-1][0], character))
                continue
            font = self._font_of(character)
            if font is None:
                self.missing.add(character)
                fonts.append((self._font_of(_MISSING) or self._first, _MISSING))
            else:
                fonts.append((font, character))
        for _, run in groupby(fonts, key=lambda pair: id(pair[0])):
            pairs = [*run]
            yield pairs[0][0], "".join(character for _, character in pairs)

    @property
    def _first(self) -> ImageFont.FreeTypeFont:
        return next(self._each())

    def _each(self) -> Iterator[ImageFont.FreeTypeFont]:
        """Yield the fonts, and load those that were not needed before."""
        yield from self._fonts
        while self._sources:
            try:
                font = self._sources.pop(0)()
            except OSError:  # the system has no such font
                continue
            self._fonts.append(font)
            yield font

    def _font_of(self, character: str) -> ImageFont.FreeTypeFont | None:
        if character not in self._chosen:
            self._chosen[character] = next((font for font in self._each() if _has(font, character)), None)
        return self._chosen[character]


def _has(font: ImageFont.FreeTypeFont, character: str) -> bool:
    """Whether a font has a character: Pillow draws the same box for each that it has not."""
    return character.isspace() or _pixels(font, character) != _pixels(font, _NO_CHARACTER)


def _pixels(font: ImageFont.FreeTypeFont, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


def _loaders(size: int) -> list[Callable[[], ImageFont.FreeTypeFont]]:
    """Return what loads each font, those of the packages before the system's, and Pillow's own last."""
    packaged = {path.name: path for path in _packaged()}
    first = [packaged.pop(name) for name in (_LATIN, _CJK, _EMOJI) if name in packaged]

    def load(source: Path | str) -> Callable[[], ImageFont.FreeTypeFont]:
        return lambda: _loaded(source, size)

    def default() -> ImageFont.FreeTypeFont:
        font = ImageFont.load_default(size)
        if not isinstance(font, ImageFont.FreeTypeFont):  # a Pillow without FreeType
            raise OSError("Pillow's own font is of pixels")
        return font

    sources: list[Path | str] = [*first, *sorted(packaged.values()), *_OF_SYSTEMS]
    return [*map(load, sources), default]


def _loaded(source: Path | str, size: int) -> ImageFont.FreeTypeFont:
    index = _SIMPLIFIED_CHINESE if isinstance(source, Path) and source.name == _CJK else 0
    font = ImageFont.truetype(source, size, index=index)
    if isinstance(source, Path):
        axes = font.get_variation_axes()
        if len(axes) == 1:
            font.set_variation_by_axes([_REGULAR])
    return font


@cache
def _packaged() -> tuple[Path, ...]:
    """Return the fonts of the packages that are installed."""
    fonts: list[Path] = []
    for package in ("manimgx_fonts", "manimgx_fonts_cjk"):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            fonts += [path for path in Path(folder).iterdir() if path.suffix in (".ttf", ".ttc")]
    return tuple(font for font in fonts if "Italic" not in font.name)


def printable(text: str) -> str:
    """Return a text without what can't be drawn on one line: ends of lines, control characters, lone surrogates."""
    kept = (each if each.isprintable() or _JOINED.match(each) else " " for each in text)
    return " ".join("".join(kept).split())


def wrapped(fonts: FontStack, text: str, width: float, lines: int) -> list[str]:
    """Return a text as lines of at most a width, the last of which ends in `…` where it is longer.

    Args:
        fonts: What it is drawn with.
        text: What `printable` gives.
        width: Pixels.
        lines: The most lines.
    """
    rows = [""]
    for unit in _units(fonts, text, width):
        if fonts.width(rows[-1] + unit.rstrip()) <= width:
            rows[-1] += unit
        elif len(rows) == lines:
            rows[-1] = _cut(fonts, rows[-1] + unit, width)
            break
        else:
            rows.append(unit.lstrip())
    return [row.rstrip() for row in rows if row.strip()]


def _units(fonts: FontStack, text: str, width: float) -> Iterator[str]:
    """Yield what stays on one line; what is too wide for any, character by character."""
    for match in _UNITS.finditer(text):
        if fonts.width(match[0]) <= width:
            yield match[0]
        else:
            yield from re.findall(rf".(?:{_JOINED.pattern})*", match[0])


def _cut(fonts: FontStack, text: str, width: float) -> str:
    while text and fonts.width(text.rstrip() + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def warn_of_missing(characters: set[str]) -> None:
    """Warn once of characters that no font has.

    Warns:
        DMXOmniWarning: There are any.
    """
    if not characters:
        return
    names = sorted(f"{unicodedata.name(each, f'U+{ord(each):04X}')}" for each in characters)
    remedy = 'pip install "langchain-dmx-omni[library]" brings fonts for Chinese, Japanese, Korean and emoji'
    if len(_packaged()) > 1:
        remedy = "install a font that has them where the system looks for fonts"
    warn_user(f"no font has {', '.join(names[:5])}{' …' if len(names) > 5 else ''}, drawn as □; {remedy}")
