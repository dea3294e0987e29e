"""Whether two texts say the same. Pure, and linear in the length of long texts."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import compress

_ALIKE = 0.8  # share of the characters
_SHORTEST = 4  # characters from which likeness is no coincidence
_LONGEST = 300  # characters up to which texts are compared in order, which takes the square of their length
_COUNTED = 20  # characters from which they are counted first
_GRAM = 3  # characters that are counted together in longer ones


def alike(first: str, second: str) -> bool:
    """Return whether two texts say the same, but for case, signs and a few letters, or one is the other cut short."""
    short, long = sorted((_plain(first), _plain(second)), key=len)
    if short == long or len(short) < _SHORTEST:
        return short == long
    if long.startswith(short) or long.endswith(short):
        return True
    return _enough(len(short), len(short) + len(long)) and _digits(short) == _digits(long) and _similar(short, long)


@lru_cache(256)
def _plain(text: str) -> str:
    return " ".join("".join(sign if sign.isalnum() else " " for sign in text.casefold()).split())


@lru_cache(256)
def _digits(text: str) -> str:
    return "".join(compress(text, map(str.isdigit, text)))


def _similar(short: str, long: str) -> bool:
    if len(short) >= _COUNTED:
        common, both = (_grams(short) & _grams(long)).total(), len(short) + len(long) - 2 * (_GRAM - 1)
        if len(long) > _LONGEST:
            return _enough(common, both)
        if 8 * common < both:  # counting is faster than putting in order, and tells most of what differs
            return False
    return SequenceMatcher(None, short, long, autojunk=False).ratio() >= _ALIKE


@lru_cache(256)
def _grams(text: str) -> Counter[str]:
    return Counter(text[at : at + _GRAM] for at in range(len(text) - _GRAM + 1))


def _enough(common: int, both: int) -> bool:
    """Whether two texts have enough in common, counted in both."""
    return 2 * common >= _ALIKE * both
