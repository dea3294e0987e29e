"""A text → the values that it offers for fields: named ones, numbers, quoted words, names, formats. Pure.

Values are taken in the order of the text, each once; `PromptValues.again` begins anew where none are left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from .words import CJK, STOP_WORDS, mention, telling

_QUOTED: Final = re.compile(
    r"""(?<!\w)'([^'\n]+)'(?!\w)|"([^"\n]+)"|`([^`\n]+)`|“([^”\n]+)”|‘([^’\n]+)’|「([^」]+)」|『([^』]+)』|«([^»\n]+)»"""
)
_NUMBER: Final = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?!\w|\.\d)")
_CAPITAL: Final = r"[A-ZÀ-ÖØ-Þ][\w'’-]*"
_PROPER: Final = rf"{_CAPITAL}(?:\s+(?:(?:of|de|la|the|van|von)\s+)?{_CAPITAL})*(?:,\s[A-Z]{{2}}\b)?"
_PLAIN: Final = r"[a-zà-öø-ÿ][\w'’-]*(?:\s+[a-zà-öø-ÿ][\w'’-]*){0,5}"
_LEADS: Final = r"(?:in|for|of|to|named|called|about|at|from|on)"
_PROPER_AFTER: Final = re.compile(rf"\b{_LEADS}\s+(?:(?:the|a|an|my|your)\s+)?(?=({_PROPER}|[{CJK}]+))")
_PLAIN_AFTER: Final = re.compile(rf"\b(?:in|for|of|named|called|about|on)\s+(?=({_PLAIN}))")
_PROPER_ANYWHERE: Final = re.compile(rf"{_PROPER}|[{CJK}]{{2,}}")
_NEAR: Final = 40  # characters before a word that are looked at
_PLAIN_END: Final = re.compile(
    r"\s+(?:and|or|in|for|of|to|on|at|with|using|from|as|please|then|that|which|who|is|are|was|by|no)\b"
)
_VALUE: Final = re.compile(r"\s*['\"]?\s*(?:[:=]|(?P<verb>\bis\b|\bset to\b))\s*")
_PLAIN_VALUE: Final = re.compile(r"[^\s,;.!?(){}\"'](?:(?!\s+and\b|[;.!?](?:\s|$)|,(?!\s[A-Z]{2}\b))[^\n)}\]])*")
_NEGATED: Final = re.compile(r"\b(?:no|not|without|don't|never|false|off)\W+(?:\w+\W+)?$", re.IGNORECASE)
_FALSE: Final = re.compile(r"(?:\s*['\"]?\s*(?::|=|\bis\b|\bset to\b)\s*)(?:false|no|off|0)\b", re.IGNORECASE)

FORMATS: Final = {
    "date": (re.compile(r"\b\d{4}-\d\d-\d\d\b"), "2026-01-01"),
    "date-time": (
        re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"),
        "2026-01-01T00:00:00Z",
    ),
    "time": (re.compile(r"(?<!\S)\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?"), "00:00:00Z"),
    "duration": (re.compile(r"\bP(?=[\dT])(?:\d+[YMWD])*(?:T(?:\d+[HMS])+)?"), "PT0S"),
    "email": (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "user@example.org"),
    "uri": (re.compile(r"\bhttps?://[^\s<>\"']*[^\s<>\"'.,;:!?)]"), "https://example.org/"),
    "uuid": (
        re.compile(r"\b[\da-fA-F]{8}(?:-[\da-fA-F]{4}){3}-[\da-fA-F]{12}\b"),
        "00000000-0000-4000-8000-000000000000",
    ),
    "ipv4": (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b"), "127.0.0.1"),
}
"""JSON Schema's format → what finds it in a text, and the value where the text has none."""


class PromptValues:
    """What one text offers.

    Args:
        text: The text.
        names: Names of tools and fields: they are no values, quoted or not.
        rest: What else is known. Its numbers, formats and named values come after the text's, and all of it fills a
            string for which nothing is left; by default the text's telling words do.
        spans: Parts of a clip, start and end in seconds. Where there is one, strings tell of it: the text's names and
            topics, unless they are quoted, say what is to be done with it.
    """

    def __init__(
        self, text: str, names: Iterable[str] = (), rest: str = "", spans: Sequence[tuple[float, float]] = ()
    ) -> None:
        self.spans = spans
        self.text = f"{text}\n{rest}".strip()
        self._names = {name.casefold() for name in names} | {"json"}
        plain = text
        for name in sorted(names, key=len, reverse=True):
            if "_" in name:  # an identifier; a name that is also a plain word may well stand in a value
                plain = mention(name).sub(" ", plain)
        bare = f"{plain}\n{rest}"
        for pattern, _ in FORMATS.values():
            bare = pattern.sub(" ", bare)
        self._numbers = [_number(match.group()) for match in _NUMBER.finditer(bare)]
        self._quoted = self._kept(next(filter(None, match.groups())) for match in _QUOTED.finditer(plain))
        plain = _QUOTED.sub(" … ", plain)
        self._phrases = [] if spans and rest else self._kept(_phrases(plain))
        self._all = (list(self._quoted), list(self._phrases), list(self._numbers))
        self.rest = rest or " ".join(_telling_parts(plain)) or text.strip()

    def again(self) -> None:
        """Offer everything once more, kind by kind, where nothing is left of it."""
        quoted, phrases, numbers = self._all
        if not self._quoted and not self._phrases:
            self._quoted, self._phrases = list(quoted), list(phrases)
        self._numbers = self._numbers or list(numbers)

    @property
    def has_number(self) -> bool:
        """Whether a number is left."""
        return bool(self._numbers)

    @property
    def has_phrase(self) -> bool:
        """Whether quoted words or a phrase are left."""
        return bool(self._quoted or self._phrases)

    def named(self, key: str) -> str | None:
        """Return the value that the text gives a field by name: `city: Paris`, `city="Paris"`, `the city is Paris`."""
        for match in mention(key).finditer(self.text):
            if value := self._value_at(match.end()):
                for pool in (self._quoted, self._phrases):
                    pool[:] = [each for each in pool if each != value]
                return value
        return None

    def named_number(self, key: str, accept: Callable[[float], bool]) -> float | None:
        """Return the number that stands beside a field's name: `days: 3`, `3 days`, `day 3`."""
        stem = mention(key).pattern.removesuffix(r"(?!\w)")
        before, after = (
            rf"(?P<before>{_NUMBER.pattern})\s+",
            rf"['\"]?\s*(?:[:=]|is\b|of\b)?\s*(?P<after>{_NUMBER.pattern})",
        )
        beside = rf"{before}{stem}s?\b|{stem}s?\b{after}"
        for match in re.finditer(beside, self.text, re.IGNORECASE):
            value = _number(match["before"] or match["after"])
            if accept(value):
                if value in self._numbers:
                    self._numbers.remove(value)
                return value
        return None

    def number(self, accept: Callable[[float], bool]) -> float | None:
        """Return the next number that fits."""
        for index, value in enumerate(self._numbers):
            if accept(value):
                return self._numbers.pop(index)
        return None

    def numbers(self, accept: Callable[[float], bool]) -> list[float]:
        """Return all numbers that are left and fit."""
        taken = [value for value in self._numbers if accept(value)]
        self._numbers = [value for value in self._numbers if not accept(value)]
        return taken

    def phrase(self) -> str | None:
        """Return the next quoted words, else the next phrase."""
        pool = self._quoted or self._phrases
        return pool.pop(0) if pool else None

    def quoted(self) -> list[str]:
        """Return all quoted words that are left."""
        taken = list(self._quoted)
        self._quoted.clear()
        return taken

    def formatted(self, format: str) -> str | None:
        """Return the first text of a format."""
        known = FORMATS.get(format)
        match = known[0].search(self.text) if known else None
        return match.group() if match else None

    def mentions(self, value: object) -> int:
        """Return where the text mentions a value; -1 if it does not."""
        if value is None or not str(value):
            return -1
        match = re.search(rf"(?<!\w){re.escape(str(value))}(?!\w)", self.text, re.IGNORECASE)
        return match.start() if match else -1

    def affirms(self, key: str) -> bool | None:
        """Whether the text says yes or no to a field by its name; None if it does not name it."""
        match = mention(key).search(self.text)
        if not match:
            return None
        return not (
            _NEGATED.search(self.text[max(0, match.start() - _NEAR) : match.start()])
            or _FALSE.match(self.text, match.end())
        )

    def _value_at(self, position: int) -> str | None:
        lead = _VALUE.match(self.text, position)
        if not lead:
            return None
        quoted = _QUOTED.match(self.text, lead.end())
        if quoted:
            return str(next(filter(None, quoted.groups())))
        plain = _PLAIN_VALUE.match(self.text, lead.end())
        value = plain.group().strip() if plain else ""
        # "The time is it that …" gives no time.
        return None if not value or (lead["verb"] and value.split()[0].lower() in STOP_WORDS) else value

    def _kept(self, values: Iterable[str]) -> list[str]:
        kept = (value.strip() for value in values)
        return list(dict.fromkeys(value for value in kept if value and value.casefold() not in self._names))


def _phrases(text: str) -> list[str]:
    """Names and topics: first those after a preposition, then names anywhere."""
    led = [(match.start(1), match.group(1)) for match in _PROPER_AFTER.finditer(text)]
    for match in _PLAIN_AFTER.finditer(text):
        phrase = _topic(_PLAIN_END.split(match.group(1))[0])
        if phrase:
            led.append((match.start(1), phrase))
    phrases = [phrase for _, phrase in sorted(led)]
    for match in _PROPER_ANYWHERE.finditer(text):
        words = match.group().split()
        first = re.split("['’]", words[0])[0].lower()
        if first.isascii() and _begins_sentence(text, match.start()):
            # Any word is capital there: "What" and "Create" are no names, "Alan Smith" is one.
            words = words[1:] if len(words) == 1 or first in STOP_WORDS else words
        if words and not all(word.lower() in STOP_WORDS for word in words):
            phrases.append(" ".join(words))
    return phrases


def _begins_sentence(text: str, position: int) -> bool:
    before = text[max(0, position - _NEAR) : position]
    return not before.strip() or "\n" in before[len(before.rstrip()) :] or before.rstrip()[-1] in ".!?:;"


def _topic(phrase: str) -> str:
    """A phrase without the small words that it begins and ends with."""
    words = phrase.split()
    while words and words[0].lower() in STOP_WORDS:
        words.pop(0)
    while words and words[-1].lower() in STOP_WORDS:
        words.pop()
    return " ".join(words)


def _telling_parts(text: str) -> list[str]:
    """The words of a text that tell something, as they stand there."""
    return [word for word in re.findall(r"[^\W_]+(?:['’-]\w+)*", text) if telling(word)]


def _number(text: str) -> float:
    """The number, an int where it is written as one."""
    text = text.replace(",", "")
    return int(text) if re.fullmatch(r"-?\d{1,400}", text) else float(text)
