"""A player for a notebook that begins at a moment: a link to the recording, never its bytes."""

from __future__ import annotations

import mimetypes
import os
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

from langchain_dmx_omni._extras import installed_by

from ._spelling import time_range

if TYPE_CHECKING:
    from .moments import Moment

__all__ = ["player", "show"]

_MOST: Final = 2_000
"""Bytes of HTML: a notebook keeps what it has shown."""


def show(moment: Moment) -> None:
    """Show a player in a notebook.

    Raises:
        ImportError: IPython is not installed.
    """
    with installed_by("ipython", "moment.show()", "IPython"):
        import IPython.display  # noqa: PLC0415  # nothing else needs it
    notebook: Any = IPython.display
    notebook.display(notebook.HTML(player(moment)))


def player(moment: Moment) -> str:
    """Return the HTML of a player that plays a moment.

    A notebook's server hands out what lies in its folder or below, so such a recording is named relative to the working
    directory. Others are `file:` links, which work where the page itself is a file.
    """
    kind, _ = mimetypes.guess_type(moment.source)
    tag = "audio" if kind and kind.startswith("audio/") else "video"
    poster = f' poster="{escape(_address(moment.thumbnail))}"' if moment.thumbnail and tag == "video" else ""
    size = ' width="480"' if tag == "video" else ""
    source = f"{_address(moment.source)}#t={moment.start:.3f},{moment.end:.3f}"
    media = f'<{tag} src="{escape(source)}" controls preload="none"{size}{poster}></{tag}>'
    name = moment.title or Path(moment.source).name
    caption = f"{name}, {time_range(moment.start, moment.end)}"
    room = _MOST - len(f"<div>{media}<br></div>".encode())
    return f"<div>{media}<br>{_shortened(f'{caption}: {moment.text}' if moment.text else caption, room)}</div>"


def _address(source: str) -> str:
    """Return the address of a source for a page in the working directory."""
    if urlsplit(source).scheme in ("http", "https"):
        return source
    path = Path(source).absolute()
    working = Path.cwd()
    if not path.is_relative_to(working):
        return path.as_uri()
    return quote(os.fsencode(path.relative_to(working).as_posix()))


def _shortened(text: str, room: int) -> str:
    """Return a text as HTML of at most so many bytes."""
    text = text.encode("utf-8", "replace").decode()  # a file's name may hold what no page can
    if len(text) <= room and len(escape(text).encode()) <= room:
        return escape(text)
    kept, size = "", len("…".encode())
    for character in map(escape, text):
        size += len(character.encode())
        if size > room:
            break
        kept += character
    return f"{kept}…" if kept else ""
