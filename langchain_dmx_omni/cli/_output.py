"""What the command says, and where: answers on standard output, everything else on standard error.

Any terminal will do: what its encoding has no sign for is said in other signs. Of the standard library alone, so that
the demo says things the same way.
"""

from __future__ import annotations

import codecs
import errno
import json
import os
import sys
import unicodedata
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

_SPELLED = {
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "x",
    "→": "->",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "•": "*",
    "·": ".",
    "\u00a0": " ",
    "\u2060": "",
}
"""Signs of ordinary texts, in ASCII."""

CONTROLS = {code: None for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
"""For `str.translate`: takes out what moves a terminal's cursor, or worse."""


def prepare() -> None:
    """Let the standard streams take every sign, and warnings be one line."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # None without a console, or anything where a test put it
            stream.reconfigure(errors="dmx-omni")
    warnings.showwarning = _show_warning


def _spelled(failure: UnicodeError) -> tuple[str, int]:
    """Return what stands for signs that an encoding lacks: other signs, a letter without its accent, or an escape."""
    assert isinstance(failure, UnicodeEncodeError)
    signs = failure.object[failure.start : failure.end]
    return "".join(map(_plain, signs)), failure.end


def _plain(sign: str) -> str:
    if sign in _SPELLED:
        return _SPELLED[sign]
    base = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode("ascii")
    return base if base.strip() else sign.encode("ascii", "backslashreplace").decode("ascii")


codecs.register_error("dmx-omni", _spelled)


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    note(f"warning: {one_line(message)}")


def answer(text: str, end: str = "\n") -> None:
    """Write an answer, or a piece of it, on standard output.

    A terminal is spared control characters: what a model says must not move its cursor.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    answer_drawn(text.translate(CONTROLS) if is_terminal(sys.stdout) else text, end)


def answer_drawn(text: str, end: str = "\n") -> None:
    """Write what is drawn for a terminal, control characters and all, on standard output.

    Raises:
        BrokenPipeError: Nobody reads it any more.
    """
    stream = sys.stdout
    if stream is None:
        return
    try:
        stream.write(text + end)
        stream.flush()
    except OSError as failure:
        if failure.errno == errno.EINVAL and os.name == "nt":  # what Windows calls a broken pipe
            raise BrokenPipeError from failure
        raise OSError(failure.errno, failure.strerror, "standard output") from failure


def answer_json(value: Any) -> None:
    """Write a JSON value on standard output, readable in any encoding."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    answer(json.dumps(value, ensure_ascii=not encoding.startswith("utf"), indent=2))


def note(text: str, end: str = "\n") -> None:
    """Write a line on standard error; where nobody reads that, it is lost."""
    _write(sys.stderr, text + end)


def confirmed(question: str) -> bool:
    """Ask on standard error, and return whether the answer is yes; no answer is none."""
    note(f"{question} [y/N] ", end="")
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not is_terminal(sys.stdin):
        note("")
    return line.strip().lower() in ("y", "yes", "是")


def error(text: str) -> None:
    """Say what went wrong, on standard error."""
    note(f"error: {text}")


def _write(stream: TextIO | None, text: str) -> None:
    if stream is not None:
        with suppress(OSError, ValueError):
            stream.write(text)
            stream.flush()


def one_line(failure: BaseException | str) -> str:
    """Return what an error says, on one line."""
    if isinstance(failure, OSError) and failure.filename and failure.strerror:
        return f"{failure.filename}: {failure.strerror}"
    return " ".join(str(failure).split()) or type(failure).__name__


def usage(tokens: Mapping[str, Any] | None, cost: str = "") -> str:
    """Return what was used, in words.

    Args:
        tokens: LangChain's usage metadata.
        cost: What that costs, in words.
    """
    if not tokens:
        return "not reported"
    counts = f"{tokens['input_tokens']:,} in, {tokens['output_tokens']:,} out, {tokens['total_tokens']:,} in all"
    return f"{counts}; {cost}" if cost else counts


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a person looks at a stream."""
    return stream is not None and not stream.closed and stream.isatty()


def silence(stream: TextIO) -> None:
    """Let a stream whose reader has gone lead nowhere, so that the interpreter can flush it when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
