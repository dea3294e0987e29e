"""`Citation`: where a statement of an answer can be checked. What an answer cites is held against its evidence. Pure.

A model is asked to put the number of its evidence behind each statement, such as `[2]`. It may write `【2】`, `[1, 2]`
or `[1-3]`, and it may point to evidence that does not exist. A number is only a way to point: source, times and quote
of a citation are never the model's, but those of the evidence that it points to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ._metadata import moment_uri
from ._spelling import clock, is_chinese, spoken_time, time_range

if TYPE_CHECKING:
    import os

__all__ = ["CheckedAnswer", "Citation", "check", "not_shown", "speakable"]

_NOT_SHOWN: Final = "The library does not show it."
_NOT_SHOWN_IN_CHINESE: Final = "视频库中没有这方面的内容。"

_NUMBER: Final = r"(\d+)(?:\s{0,2}[-‐-―~～]\s{0,2}(\d+))?"
_BRACKETED: Final = rf"[\[［【〔]\s{{0,2}}\^?{_NUMBER}(?:[,，、;；\s]{{1,3}}{_NUMBER})*\s{{0,2}}[\]］】〕]"
_MARKER: Final = rf"{_BRACKETED}(?:\([^()\s]*\))?"  # the address of a Markdown link is the model's own
_SPACE: Final = r"[ \t\u00a0\u3000]"
# Markers in a row, with the space before them: they stay or go together with it.
_MARKERS: Final = re.compile(rf"(?<!{_SPACE}){_SPACE}*{_MARKER}(?:{_SPACE}{{0,2}}[,，、]?{_SPACE}{{0,2}}{_MARKER})*")
_DIGITS: Final = 18
"""Of a number; a longer one points to nothing, and takes Python long to read."""

_TIME: Final = r"\d+:\d\d(?::\d\d)?"
_TIMES: Final = re.compile(rf"(?<![\d:.])({_TIME})(?:\s*[-‐-―~～]\s*({_TIME}))?(?![\d:]|\.\d)")


@dataclass(frozen=True)
class Citation:
    """Where a statement can be checked.

    Attributes:
        source: The recording, as in `Moment`.
        start: Seconds since the recording's beginning.
        end: Seconds since the recording's beginning.
        quote: What is seen, said or written there, as the library or the second look has it.
        title: Of the recording, or `""`.
        number: What points to it in the answer's text: 2 for `[2]`.
        moment_id: Of the moment in the library.
    """

    source: str
    start: float
    end: float
    quote: str
    title: str = field(default="", compare=False)
    number: int = field(default=0, compare=False)
    moment_id: str = field(default="", compare=False)

    @property
    def uri(self) -> str:
        """The source with the media fragment `#t=start,end`."""
        return moment_uri(self.source, self.start, self.end)

    def clip(self, path: str | os.PathLike[str] | None = None) -> Path:
        """Write the span as a file of its own; see `Moment.clip`."""
        from ._clip import clip  # noqa: PLC0415  # an extra

        return clip(self.source, self.start, self.end, path)

    def __str__(self) -> str:
        name = self.title or Path(self.source).name
        return f"[{self.number}] {name}, {time_range(self.start, self.end)}: {self.quote}"


class CheckedAnswer(NamedTuple):
    """An answer that cites nothing but its evidence."""

    text: str
    citations: list[Citation]
    """In the order in which the text mentions them, each once."""


def check(text: str, evidence: Sequence[Citation], question: str) -> CheckedAnswer:
    """Return an answer without the citations that point to no evidence.

    Args:
        text: The model's answer.
        evidence: What the model was given; markers point to their `number`s.
        question: In whose language it is said that the library does not show it, where nothing is cited.
    """
    known = {each.number: each for each in evidence}
    cited: dict[int, Citation] = {}

    def checked(match: re.Match[str]) -> str:
        pointers = [_pointer(marker[0], known) for marker in re.finditer(_MARKER, match[0])]
        numbers = [number for pointer in pointers for number in pointer.numbers]
        cited.update((number, known[number]) for number in numbers)
        if all(pointer.is_sound for pointer in pointers):
            return match[0]
        space = match[0][: len(match[0]) - len(match[0].lstrip())]
        return (
            space + "".join(f"[{', '.join(map(str, each.numbers))}]" for each in pointers if each.numbers)
            if numbers
            else ""
        )

    checked_text = _MARKERS.sub(checked, text).strip()
    return CheckedAnswer(checked_text, list(cited.values())) if cited else CheckedAnswer(not_shown(question), [])


class _Pointer(NamedTuple):
    """What a marker points to."""

    numbers: list[int]
    """Of evidence, in the order of the marker."""
    is_sound: bool
    """Whether it points to nothing else."""


def _pointer(marker: str, known: Iterable[int]) -> _Pointer:
    entries, _, address = marker.partition("(")
    numbers: dict[int, None] = {}
    is_sound = not address
    for match in re.finditer(_NUMBER, entries):
        ends = [int(digits[:_DIGITS]) for digits in match.groups() if digits]
        inside = sorted(number for number in known if min(ends) <= number <= max(ends))
        is_sound = is_sound and len(inside) == max(ends) - min(ends) + 1
        numbers.update(dict.fromkeys(inside))
    return _Pointer(list(numbers), is_sound)


def not_shown(question: str) -> str:
    """Return the sentence that the library does not show what was asked, in Chinese for a question in Chinese."""
    return _NOT_SHOWN_IN_CHINESE if is_chinese(question) else _NOT_SHOWN


def speakable(answer: CheckedAnswer) -> str:
    """Return a checked answer as it is to be spoken: without markers, and with the times of its citations in words.

    Other figures that look like times stay as they are: `9:30` may be one of the clock.
    """
    text = _MARKERS.sub("", answer.text).strip()
    cited = {clock(each) for citation in answer.citations for each in (citation.start, citation.end)}
    chinese = is_chinese(text)

    def spoken(match: re.Match[str]) -> str:
        times = [time for time in match.groups() if time]
        if not cited.issuperset(times):
            return match[0]
        return ("到" if chinese else " to ").join(spoken_time(time, chinese=chinese) for time in times)

    return _TIMES.sub(spoken, text)
