"""Subtitles: what is said and when → SubRip (SRT) and WebVTT texts that players take. Pure.

Cues come in as a model gives them: in any order, over each other, too long for a screen. `layout` makes of them what
people can read: sorted, never two at a time, a few lines of some width each, neither a flash nor a standstill. `srt`
and `vtt` write cues down. All arithmetic is in whole milliseconds, the unit of both formats.

Sources: W3C, "WebVTT: The Web Video Text Tracks Format" (cue text and its escapes); SubRip has no specification, so
what its readers agree on is written. The default limits are those of Netflix's timed text guides: 42 characters a
line, 16 in Chinese, two lines, 5/6 to 7 seconds.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Cue", "Limits", "clock", "layout", "srt", "vtt"]


class Cue(NamedTuple):
    """A subtitle: seconds from the start of the recording, and the text; `srt` and `vtt` keep its line breaks."""

    start: float
    end: float
    text: str
    below: str = ""
    """A second text below it, such as a translation; broken into lines by itself."""


@dataclass(frozen=True)
class Limits:
    """What fits on a screen.

    Attributes:
        line_length: Most characters of a line.
        wide_line_length: Most wide characters of a line: Chinese, Japanese, Korean. Mixed lines are weighed.
        lines: Most lines of a text; a second text below it has as many.
        shortest: Seconds that a cue stands at least, where the next one leaves room for it.
        longest: Seconds that a cue stands at most.

    Raises:
        ValueError: One of them is too small to show anything.
    """

    line_length: int = 42
    wide_line_length: int = 16
    lines: int = 2
    shortest: float = 0.833
    longest: float = 7.0

    def __post_init__(self) -> None:
        if min(self.line_length, self.wide_line_length, self.lines) < 1:
            raise ValueError(f"a line, and a character in it, is the least that can be shown: {self}")
        if not 0.001 <= self.shortest <= self.longest < math.inf:
            raise ValueError(f"0.001 <= shortest <= longest is needed, in seconds: {self}")

    def room(self, text: str) -> float:
        """Return the share of a line that a text takes; more than 1 does not fit."""
        signs = [sign for sign in text if unicodedata.category(sign) not in _NO_WIDTH]
        wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in signs)
        return (len(signs) - wide) / self.line_length + wide / self.wide_line_length


_NO_WIDTH = frozenset({"Mn", "Me", "Cf", "Cc"})


def layout(cues: Iterable[Cue], limits: Limits | None = None) -> list[Cue]:
    """Return cues that fit on a screen and follow one another.

    Long texts become several cues, which share the time by their length. Where two cues overlap, the first ends when
    the second begins; where they begin together, the second waits for the first. No text is lost: what has no time at
    all (not a number) stands where it was given, after the cue before it.

    Args:
        cues: The cues, in any order.
        limits: What fits; see `Limits` for the defaults.
    """
    limits = limits or Limits()
    return _timed([piece for cue in _sorted(cues) for piece in _pieces(cue, limits)], limits)


# --- texts ------------------------------------------------------------------------------------------------------------

_OPENING = "([{«‹“‘（［｛「『【〈《〔"
_CLOSING = ")]}»›”’）］｝」』】〉》〕、。，．！？：；…‥・ー々.,!?:;%％"
_ENDS = ".!?…。！？"
_PAUSES = ",;:，、；："


def _clean(text: str) -> str:
    """Return a text on one line, without what no file or reader can hold: control characters and half pairs."""
    kept = (sign for sign in text if sign.isspace() or unicodedata.category(sign) not in ("Cc", "Cs"))
    return " ".join("".join(kept).split())


def _tokens(text: str, limits: Limits) -> list[str]:
    """Cut a cleaned text into what a line break may stand between; spaces stay at the end of a token."""
    tokens: list[str] = []
    for word in re.findall(r"\S+ ?", text):
        start = 0
        for at in range(1, len(word.rstrip())):
            if _breakable(word[at - 1], word[at]):
                tokens.append(word[start:at])
                start = at
        tokens.append(word[start:])
    return [part for token in tokens for part in _cut(token, limits)]


def _breakable(before: str, after: str) -> bool:
    """Whether a line may break between two characters of a word: beside wide ones, but not before closing signs."""
    wide = "WF".__contains__
    if not wide(unicodedata.east_asian_width(before)) and not wide(unicodedata.east_asian_width(after)):
        return False
    joined = unicodedata.category(after) in _NO_WIDTH or before == "\u200d"
    return not joined and before not in _OPENING and after not in _CLOSING


def _cut(token: str, limits: Limits) -> list[str]:
    """Cut a word that is wider than a line."""
    if limits.room(token.rstrip()) <= _FULL:
        return [token]
    parts, room = [""], 0.0
    for sign in token:
        whole = unicodedata.category(sign) in _NO_WIDTH or sign == " "
        width = limits.room(sign)
        if parts[-1] and not whole and room + width > _FULL:
            parts.append("")
            room = 0.0
        parts[-1] += sign
        room += width
    return parts


def _lines(text: str, limits: Limits) -> list[str]:
    """Break a text into lines that are as even as can be, at the ends of sentences rather than elsewhere."""
    tokens = _tokens(_clean(text), limits)
    rooms = [limits.room(token) for token in tokens]
    # The least cost of setting the first n tokens, and where their last line begins.
    best: list[tuple[float, int]] = [(0.0, 0)]
    for end, token in enumerate(tokens, 1):
        word = token.rstrip()
        gain = 0.0 if end == len(tokens) else _GAINS.get(word[-1:], 0.0)
        room = limits.room(word)
        best.append((best[end - 1][0] + _cost(room) - gain, end - 1))
        for start in range(end - 2, -1, -1):
            room += rooms[start]
            if room > _FULL:
                break
            best[end] = min(best[end], (best[start][0] + _cost(room) - gain, start))
    lines: list[str] = []
    end = len(tokens)
    while end:
        start = best[end][1]
        lines.append("".join(tokens[start:end]).rstrip())
        end = start
    return lines[::-1]


_FULL = 1 + 1e-9  # shares of a line that are added up
_GAINS = dict.fromkeys(_ENDS, 0.4) | dict.fromkeys(_PAUSES, 0.2)


def _cost(room: float) -> float:
    """Return how bad a line is: a line more is worse than some unevenness."""
    return 1 + (1 - min(room, 1)) ** 2


def _pieces(cue: Cue, limits: Limits) -> list[Cue]:
    """Cut a cue into cues that fit, which share its time by the length of their texts."""
    above, below = (_screens(text, limits) for text in (cue.text, cue.below))
    count = max(len(above), len(below))
    if not count:
        return []
    screens = [(_share(above, at, count), _share(below, at, count)) for at in range(count)]
    weights = [max(limits.room(first + second), 0.01) for first, second in screens]
    pieces, passed, total = [], 0.0, sum(weights)
    for (first, second), weight in zip(screens, weights, strict=True):
        start = cue.start + (cue.end - cue.start) * passed / total
        passed += weight
        end = cue.start + (cue.end - cue.start) * min(passed / total, 1.0)
        pieces.append(Cue(start, end, first, second))
    return pieces


def _screens(text: str, limits: Limits) -> list[str]:
    lines = _lines(text, limits)
    return ["\n".join(lines[at : at + limits.lines]) for at in range(0, len(lines), limits.lines)]


def _share(screens: Sequence[str], at: int, count: int) -> str:
    """Return what stands beside the other text: the shorter of the two stays for longer."""
    return screens[at * len(screens) // count] if screens else ""


# --- times ------------------------------------------------------------------------------------------------------------

_LATEST = 356_400.0  # 99 hours: readers know two digits of them


def _sorted(cues: Iterable[Cue]) -> list[Cue]:
    """Return cues with times that are numbers, by start."""
    known: list[Cue] = []
    for cue in cues:
        before = known[-1].end if known else 0.0
        start = before if math.isnan(cue.start) else min(max(cue.start, 0.0), _LATEST)
        end = start if math.isnan(cue.end) else min(max(cue.end, 0.0), _LATEST)
        known.append(cue._replace(start=min(start, end), end=max(start, end)))
    return sorted(known, key=lambda cue: (cue.start, cue.end))


_LEAST = 200  # ms that a cue keeps when others crowd it: time to see that there was one


def _timed(cues: Sequence[Cue], limits: Limits) -> list[Cue]:
    shortest, longest = round(limits.shortest * 1000), round(limits.longest * 1000)
    starts: list[int] = []
    ready = 0  # when the cue before has had the time it needs
    for cue in cues:
        start = max(round(cue.start * 1000), ready)
        starts.append(start)
        ready = start + min(max(round((cue.end - cue.start) * 1000), _LEAST), shortest)
    last = starts[-1] + longest if starts else 0
    timed = []
    for cue, (start, following) in zip(cues, pairwise([*starts, last]), strict=True):
        end = min(max(round(cue.end * 1000), start + shortest), start + longest, following)
        timed.append(cue._replace(start=start / 1000, end=end / 1000))
    return timed


# --- files ------------------------------------------------------------------------------------------------------------

_WALL = "\u2060"  # a word joiner: it is not seen, and what it stands in is no markup any more
_SRT_MARKUP = re.compile(r"<(?=[/A-Za-z])|\{(?=[\\A-Za-z])|-(?=->)|^\d+$", re.MULTILINE)


def srt(cues: Iterable[Cue]) -> str:
    """Return a SubRip text, for a file in UTF-8.

    SubRip has no escapes. Where a text would be taken for markup (tags in `<` or `{`, `-->`, a number alone on its
    line), an invisible word joiner is put into it.
    """
    return "".join(
        f"{number}\n{clock(cue.start, ',')} --> {clock(cue.end, ',')}\n"
        f"{_SRT_MARKUP.sub(lambda markup: markup[0] + _WALL, _text(cue))}\n\n"
        for number, cue in enumerate(_shown(cues), 1)
    )


def vtt(cues: Iterable[Cue], notes: Iterable[str] = ()) -> str:
    """Return a WebVTT text, for a file in UTF-8; `&`, `<` and `>` are escaped.

    Args:
        cues: What is shown.
        notes: What a reader of the file is told at its top; it is never shown.
    """
    lines = [_clean(note).replace("-->", "to") for note in notes]
    head = "\n".join(["NOTE", *filter(None, lines), "\n"]) if any(lines) else ""
    return f"WEBVTT\n\n{head}" + "".join(
        f"{clock(cue.start)} --> {clock(cue.end)}\n"
        f"{_text(cue).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}\n\n"
        for cue in _shown(cues)
    )


def _shown(cues: Iterable[Cue]) -> list[Cue]:
    return [cue for cue in cues if _text(cue)]


def _text(cue: Cue) -> str:
    """Return the lines of a cue; an empty one would end it."""
    lines = [_clean(line) for text in (cue.text, cue.below) for line in text.splitlines()]
    return "\n".join(line for line in lines if line)


def clock(seconds: float, point: str = ".") -> str:
    """Return a time as WebVTT writes it, such as `00:01:05.250`; with `","` for the point, as SubRip does."""
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}{point}{rest % 1000:03}"
