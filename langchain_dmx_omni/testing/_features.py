"""Text → its words and pieces of words, and a vector of them: texts that share words are near. Pure."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from typing import Final
from zlib import crc32

from ._simulator.words import CJK, STOP_WORDS

_TOKEN: Final = re.compile(rf"[{CJK}]+|[^\W_{CJK}]+")
_PIECE: Final = 3  # letters of a piece of a word
_WORD_WEIGHT: Final = 3.0  # of a whole word; a piece of one has 1
_COMMON_WEIGHT: Final = 0.2  # of a word that tells nothing
_COMMON_CHARACTERS: Final = frozenset("的了着过吗呢吧啊是在有和与这那哪谁什么时候怎样为何几多少个一请问")
"""Chinese characters of which questions are made, whatever they ask."""
_SIGN: Final = 1 << 31


def features(text: str) -> dict[str, float]:
    """Return the features of a text and how much each weighs: of a text that is not blank, there is at least one.

    Words, and for forms of the same word their pieces; Chinese, Japanese and Korean have no spaces, so there it is
    each character and each pair.
    """
    weights: dict[str, float] = defaultdict(float)
    normal = unicodedata.normalize("NFKC", text).lower()
    for token in _TOKEN.findall(normal):
        if re.match(f"[{CJK}]", token):
            pairs = [token[start : start + 2] for start in range(len(token) - 1)]
            for piece, weight in [*((one, 1.0) for one in token), *((pair, _WORD_WEIGHT) for pair in pairs)]:
                weights[piece] += _COMMON_WEIGHT if _COMMON_CHARACTERS.issuperset(piece) else weight
        elif token in STOP_WORDS:
            weights[token] += _COMMON_WEIGHT
        else:
            weights[token] += _WORD_WEIGHT
            marked = f"<{token}>"
            for start in range(len(marked) - _PIECE + 1):
                weights[marked[start : start + _PIECE]] += 1.0
    return weights or {normal.strip(): 1.0}


def vector(text: str, dimensions: int) -> list[float]:
    """Return the vector of a text, of length 1: each feature goes to a place, with a sign, by its hash."""
    numbers = [0.0] * dimensions
    for feature, weight in features(text).items():
        value = crc32(feature.encode("utf-8", "surrogatepass"))
        # A word that comes again says little more than it did the first time.
        amount = 1.0 + math.log(weight) if weight > 1.0 else weight
        numbers[value % dimensions] += amount if value & _SIGN else -amount
    length = math.sqrt(sum(number * number for number in numbers))
    if not length:  # two features that cancel each other
        return [1.0] + [0.0] * (dimensions - 1)
    return [round(number / length, 7) for number in numbers]
