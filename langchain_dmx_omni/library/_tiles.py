"""The drawing of a contact sheet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PIL import Image, ImageDraw, UnidentifiedImageError

from langchain_dmx_omni.errors import DMXOmniError

from ._fonts import FontStack, printable, warn_of_missing, wrapped
from ._picture import picture
from ._spelling import time_range

if TYPE_CHECKING:
    from .moments import Moment

__all__ = ["sheet"]

_WIDTH, _HEIGHT = 320, 180
"""Pixels of a picture, which keeps its shape within them."""
_GAP, _SIZE, _LINES = 16, 15, 4
_PAPER, _INK, _FAINT, _GREY, _BLACK = "#ffffff", "#1a1a1a", "#5f6368", "#e3e3e3", "#000000"
_LONGEST: Final = 1_000
"""Characters of a text that are looked at; four lines hold fewer."""


def sheet(moments: Sequence[Moment], labels: Sequence[str], columns: int) -> Image.Image:
    """Return the contact sheet of moments; see `contact_sheet`."""
    fonts = FontStack(_SIZE)
    heading, step = fonts.line_height, _WIDTH + _GAP
    rows = -(-max(1, len(moments)) // columns)
    height = _HEIGHT + (2 + _LINES) * heading + _GAP
    page = Image.new("RGB", (columns * step + _GAP, rows * height + _GAP), _PAPER)
    draw = ImageDraw.Draw(page)
    for index, (moment, label) in enumerate(zip(moments, chain(labels, repeat("")), strict=False)):
        left, top = _GAP + index % columns * step, _GAP + index // columns * height
        _draw_picture(page, draw, fonts, moment, (left, top))
        when = " ".join(filter(None, [label, time_range(moment.start, moment.end)]))
        fonts.draw(draw, left, top + _HEIGHT + 4, when, _INK)
        top += _HEIGHT + 4 + heading
        title = printable(moment.title or Path(moment.source).name)
        for row, line in enumerate(wrapped(fonts, title, _WIDTH, 1)):
            fonts.draw(draw, left, top + row * heading, line, _FAINT)
        text = printable(moment.text[:_LONGEST])
        for row, line in enumerate(wrapped(fonts, text, _WIDTH, _LINES), 1):
            fonts.draw(draw, left, top + row * heading, line, _INK)
    if not moments:
        fonts.draw(draw, _GAP, _GAP, "no moments", _FAINT)
    warn_of_missing(fonts.missing)
    return page


def _draw_picture(
    page: Image.Image, draw: ImageDraw.ImageDraw, fonts: FontStack, moment: Moment, place: tuple[int, int]
) -> None:
    """Draw the picture of a moment, or why there is none."""
    left, top = place
    try:
        image = _picture(moment)
    except DMXOmniError as error:
        draw.rectangle((left, top, left + _WIDTH - 1, top + _HEIGHT - 1), _GREY)
        # What it says after the first semicolon is what to do about it.
        reason = printable(str(error).partition("\n")[0].partition(";")[0])
        for row, line in enumerate(wrapped(fonts, reason, _WIDTH - 2 * _GAP, 5)):
            fonts.draw(draw, left + _GAP, top + _GAP + row * fonts.line_height, line, _FAINT)
        return
    draw.rectangle((left, top, left + _WIDTH - 1, top + _HEIGHT - 1), _BLACK)
    page.paste(image, (left + (_WIDTH - image.width) // 2, top + (_HEIGHT - image.height) // 2))


def _picture(moment: Moment) -> Image.Image:
    """Return the picture at a moment's start, else its thumbnail.

    Raises:
        DMXOmniError: There is neither.
    """
    try:
        return picture(moment.source, moment.start, (_WIDTH, _HEIGHT))
    except DMXOmniError:
        if moment.thumbnail and (image := _thumbnail(moment.thumbnail)) is not None:
            return image
        raise


def _thumbnail(path: str) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            image.thumbnail((_WIDTH, _HEIGHT))
            return image.convert("RGB")
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError):
        return None
