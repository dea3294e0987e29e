"""How people and models write times → seconds. Pure.

A model is asked for seconds as a number. It also answers with clocks (`"1:05"`, `"[00:05]"`), with units in English or
Chinese (`"1h2m"`, `"1分5秒"`), with the time ranges of subtitles (`"00:00:15,020 --> 00:00:28,085"`) and with `null`.
What can be read is read; for the rest, `UNKNOWN`, the timeline finds a place.
"""

from __future__ import annotations

import math
import re
import unicodedata
from typing import Any, SupportsFloat

UNKNOWN = math.nan
"""A time that can't be read."""


def seconds(value: Any) -> float:
    """Return a time in seconds, of a range its start; `UNKNOWN` for what is no time."""
    return time_range(value)[0]


def time_range(value: Any) -> tuple[float, float]:
    """Return start and end of a range in seconds; for a single time, that time twice."""
    match value:
        case bool():
            times = []
        case str():
            times = _times(_plain(value))
        case SupportsFloat():
            times = [_number(value)]
        case _:
            times = []
    return (times[0], times[-1]) if times else (UNKNOWN, UNKNOWN)


def _number(value: SupportsFloat) -> float:
    try:
        return float(value)
    except (OverflowError, ValueError):  # beyond all floats
        return UNKNOWN


# --- texts ------------------------------------------------------------------------------------------------------------

_LONGEST = 200  # characters; what is longer is no time
_SIGNS = str.maketrans("−﹣'’\"”;∶", "--′′″″::")


def _plain(text: str) -> str:
    """Return a text in lower case, with the plain forms of digits, colons and other signs."""
    if len(text) > _LONGEST:
        return ""
    text = unicodedata.normalize("NFKC", text.translate(_SIGNS)).translate(_SIGNS).casefold()
    return re.sub(r"\s*:\s*", ":", text.strip().replace("′′", "″"))


_UNITS = {
    "h": (3600.0, "hours?|hrs?|h|小时|小時|时|時"),
    "m": (60.0, "minutes?|mins?|m|分钟|分鐘|分|′"),
    "s": (1.0, "seconds?|secs?|s|秒钟|秒鐘|秒|″"),
    "ms": (0.001, "milliseconds?|msecs?|ms|毫秒"),
}
_CHINESE = dict(zip("零〇一二三四五六七八九两兩", [0, *range(10), 2, 2], strict=True))
_NUMBER = r"\d{1,3}(?:,\d{3})+\.\d+|\d+(?:[.,]\d+(?![\d:]))?(?:e[+-]?\d+)?|\.\d+"
_TOKEN = re.compile(
    r"(?P<clock>\d+(?::\d+){1,3}(?:[.,]\d+(?![\d:]))?)|"
    + "|".join(
        rf"(?P<{name}>{_NUMBER}|[{''.join(_CHINESE)}十百]+)\s*(?:{words})(?![a-z])"
        for name, (_, words) in reversed(_UNITS.items())
    )
    + rf"|(?P<number>{_NUMBER})"
)
_WITHIN = re.compile(r"(?:[\s,]|and|又|零)*")  # between the parts of one time
_AROUND = re.compile(  # what may stand around numbers that have no unit
    r"(?:[\s\[\](){}<>【】「」|,.:=~≈@*″′…–—→-]|about|around|approx|circa|from|start|until|till|end|ca|at|to|t|约|從|从|第|处|至|到)*"
)


def _times(text: str) -> list[float]:
    """Return the times in a plain text, in order: those with colons or units, or else bare numbers if all are."""
    times: list[float] = []
    bare: list[float] = []
    unit, end = math.inf, 0  # of the part before, where the next one may belong to the same time
    for token in _TOKEN.finditer(text):
        kind, between = token.lastgroup or "", text[end : token.start()]
        if kind == "clock":
            times.append(_clock(token["clock"]))
            unit = 0.0
        elif kind == "number":
            number = _decimal(token["number"])
            if between or unit in (0.0, math.inf):
                bare.append(number)
            else:  # "1m30"
                times[-1] += number * unit / 60
            unit = 0.0
        else:
            size = _UNITS[kind][0]
            seconds = _decimal(token[kind]) * size
            if times and size < unit and _WITHIN.fullmatch(between):
                times[-1] += seconds
            else:
                times.append(seconds)
            unit = size
        end = token.end()
    if not times and _AROUND.fullmatch(_TOKEN.sub("", text)):
        times = bare
    return [-times[0], *times[1:]] if times and re.match(r"[\[(<\s]*-", text) else times


def _clock(text: str) -> float:
    """Read `m:s`, `h:m:s`, or either with milliseconds; of film's `h:m:s:frames`, the frames are left out."""
    *parts, last = text.split(":")
    fraction = 0.0
    if len(parts) > 1 and re.fullmatch(r"\d{3}", last):
        fraction, last = int(last) / 1000, parts.pop()
    elif len(parts) > 2:
        last = parts.pop()
    total = 0.0
    for part in parts:
        total = total * 60 + int(part)
    return total * 60 + _decimal(last) + fraction


def _decimal(text: str) -> float:
    if text[0] in _CHINESE or text[0] in "十百":
        return float(_chinese(text))
    if "," in text and "." in text:
        text = text.replace(",", "")
    return float(text.replace(",", "."))


def _chinese(text: str) -> int:
    total = digit = 0
    for sign in text:
        if sign in _CHINESE:
            digit = digit * 10 + _CHINESE[sign]
        else:
            total, digit = total + (digit or 1) * (10 if sign == "十" else 100), 0
    return total + digit
