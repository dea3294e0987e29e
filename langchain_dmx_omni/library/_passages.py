"""What is said, line by line → passages of about 20 seconds: enough to be understood, short enough to find. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from langchain_dmx_omni.jobs import Line

LENGTH: Final = 20.0
"""Seconds after which a passage ends at the next end of a sentence."""
LONGEST: Final = 30.0
"""Seconds of a passage at the most, where lines are shorter."""
PAUSE: Final = 2.0
"""Seconds of silence that end a passage."""

_SENTENCE_END: Final = re.compile(r"[.!?…。！？][\"'”’»)\]）」』】]*$")
_SENTENCES: Final = re.compile(r".+?(?:[!?…。！？]|\.(?=\s))+[\"'”’»)\]）」』】]*\s*|.+$", re.DOTALL)


def passages(lines: Iterable[Line]) -> list[Line]:
    """Return lines as passages, in order; each is said by one speaker, as far as speakers are known.

    A passage ends where the speaker changes, at a pause, and once it is 20 seconds long at the end of a sentence. Where
    no sentence ends in time, it ends at the last one that is not in its first half, or at any line.
    """
    done: list[Line] = []
    open_lines: list[Line] = []
    ordered = sorted(lines, key=lambda line: (line.start, line.end))
    for line in chain.from_iterable(map(_pieces, ordered)):
        if open_lines and _is_break(open_lines[-1], line):
            done.append(_joined(open_lines))
            open_lines = []
        while open_lines and line.end - open_lines[0].start > LONGEST:
            at = _last_sentence_end(open_lines)
            done.append(_joined(open_lines[:at]))
            open_lines = open_lines[at:]
        open_lines.append(line)
        if line.end - open_lines[0].start >= LENGTH and _SENTENCE_END.search(line.text):
            done.append(_joined(open_lines))
            open_lines = []
    return [*done, _joined(open_lines)] if open_lines else done


def join_texts(texts: Iterable[str]) -> str:
    """Return texts one after another: with a space between, but not between Chinese or Japanese characters."""
    joined = ""
    for text in map(str.strip, texts):
        joined += text if not joined or not text or _is_unspaced(joined[-1], text[0]) else f" {text}"
    return joined


def _is_break(before: Line, after: Line) -> bool:
    """Whether a passage ends between two lines, however long it is."""
    return before.speaker != after.speaker or after.start - before.end >= PAUSE


def _last_sentence_end(lines: Sequence[Line]) -> int:
    """Return how many of the lines make a passage that has to end: up to a sentence's end in its second half."""
    middle = lines[0].start + LENGTH / 2
    ends = [at for at, line in enumerate(lines, 1) if line.end >= middle and _SENTENCE_END.search(line.text)]
    return ends[-1] if ends else len(lines)


def _joined(lines: Sequence[Line]) -> Line:
    return Line(
        start=lines[0].start,
        end=max(line.end for line in lines),
        text=join_texts(line.text for line in lines),
        speaker=lines[0].speaker,
    )


def _pieces(line: Line) -> Iterator[Line]:
    """Yield a line on one line; one that is longer than a passage, sentence by sentence, which share its time."""
    text = join_texts(line.text.splitlines())
    if not text:
        return
    if line.end - line.start <= LONGEST:
        yield line.model_copy(update={"text": text})
        return
    second, start = (line.end - line.start) / len(text), line.start
    for sentence in _SENTENCES.findall(text):
        end = start + second * len(sentence)
        yield line.model_copy(update={"start": start, "end": end, "text": sentence.strip()})
        start = end


def _is_unspaced(before: str, after: str) -> bool:
    """Whether nothing stands between two characters: Chinese or Japanese, and signs that are as wide among them.

    Korean has spaces.
    """
    widths = {unicodedata.east_asian_width(sign) for sign in (before, after)}
    korean = any(unicodedata.name(sign, "").startswith("HANGUL") for sign in (before, after))
    return bool(widths & {"W", "F"}) and widths <= {"W", "F", "A"} and not korean
