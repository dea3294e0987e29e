"""Tables and progress, drawn by rich in whatever the terminal can show."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from . import _output

_WIDE = 120
"""Columns where no terminal says how many there are."""
_SIGN = 5
"""Columns of the sign of an item."""


def show(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Write a table on standard output. Columns whose heading the terminal has no signs for are left out.

    Args:
        headings: Of the columns.
        rows: The cells of each row.
        right: Headings of the columns of numbers.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    kept = [at for at, heading in enumerate(headings) if _spelled(heading, encoding) == heading]
    table = Table(box=box.SIMPLE_HEAD)
    for at in kept:
        last = at == len(headings) - 1
        table.add_column(headings[at], justify="right" if headings[at] in right else "left", no_wrap=not last)
    for row in rows:
        table.add_row(*(Text(_spelled(row[at], encoding)) for at in kept))
    _draw(table, encoding)


def item(sign: str, text: str, style: str = "") -> None:
    """Write a line behind a sign on standard output; on a terminal the sign has a style, and the line wraps beside it.

    Args:
        sign: Five characters at most.
        text: The line.
        style: Of the sign, such as `"bold red"`.
    """
    if not _output.is_terminal(sys.stdout):
        _output.answer(f"{sign:<{_SIGN}} {text}")
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=_SIGN)
    grid.add_column(overflow="fold")
    grid.add_row(Text(sign, style), Text(_spelled(text, encoding)))
    _draw(grid, encoding)


def _draw(table: Table, encoding: str) -> None:
    terminal = _output.is_terminal(sys.stdout)
    width = shutil.get_terminal_size((_WIDE, 24)).columns if terminal else _WIDE
    page = _Page(encoding)
    Console(file=page, width=width, force_terminal=terminal, highlight=False, emoji=False).print(table)
    lines = [line.rstrip() for line in page.getvalue().splitlines()]
    _output.answer_drawn("\n".join(lines).strip("\n"))


def _spelled(text: str, encoding: str) -> str:
    return text.translate(_output.CONTROLS).encode(encoding, "dmx-omni").decode(encoding)


class _Page(io.StringIO):
    """What is drawn, for an encoding: boxes of lines are for those that have them."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding that it will be written in."""
        return self._encoding


@contextmanager
def progress(total: float, unit: str) -> Iterator[Progress]:
    """Yield a progress display on standard error, for people only; elsewhere it shows nothing.

    Args:
        total: How much there is to do; with nothing to do, nothing is shown.
        unit: What is counted.
    """
    console = Console(stderr=True, highlight=False, emoji=False)
    columns = [
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.completed:.0f}/{task.total:.0f} " + unit),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    ]
    visible = console.is_terminal and total > 0
    # On a terminal answers go above the bar; into a pipe they go as they are.
    redirected = _output.is_terminal(sys.stdout)
    with Progress(*columns, console=console, redirect_stdout=redirected, disable=not visible) as display:
        yield display
