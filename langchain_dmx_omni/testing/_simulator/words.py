"""Text → the words that tell what it is about. Pure."""

from __future__ import annotations

import re
from typing import Final

CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
"""Chinese, Japanese and Korean characters, as the inside of a regular expression's class."""

STOP_WORDS: Final = frozenset(
    """
    a about above after again all also am an and another answer answers any anything are argument as ask asked
    asking at be been before being below between both but by call called calling can choose could current currently
    data describe did different do does doing don down during each either else every everything few field fields
    find first following for from function functions further get gets getting give given gives go good had has have
    having he hello help her here hi him his how i if in info information input inputs integer into is it its json
    just key keys know last let like list look made make makes many may me method might more most much must my name
    named need needed needs new next no none nor not nothing now number object of off on once one only or other our
    out output outputs over own parameter perform please properties provide put question random reply respond
    response result results return returns run same say says second set she should show so some something string
    such take takes tell text than thank thanks that the their them then there these they thing things third this
    those through to today too tool tools two type under until up use used useful user uses using value values very
    want wants was way we well were what when where whether which while who whom whose why will with without would
    write yes you your
    """.split()  # noqa: SIM905 - it reads as a list of words
)
"""English words, and words of programming, that tell nothing."""

_STOP_PAIRS: Final = frozenset(
    "什么 怎么 一个 一下 请问 可以 使用 工具 返回 这个 那个 我们 你们 是否 如何 的话 哪个 多少".split()  # noqa: SIM905
)
_TOKEN: Final = re.compile(rf"[{CJK}]+|[^\W\d_{CJK}]+")
_HUMP: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_NOTHING: Final = re.compile(r"(?!)")
_SHORTEST: Final = 3  # letters


def telling(text: str) -> dict[str, int]:
    """Return the telling words of a text, and where each stands first.

    Identifiers count as the words that they are made of; a plural counts as its singular. Chinese, Japanese and
    Korean have no spaces: there, each pair of characters is a word.
    """
    places: dict[str, int] = {}
    for match in _TOKEN.finditer(text):
        token = match.group()
        if re.match(f"[{CJK}]", token):
            for start in range(len(token) - 1):
                if token[start : start + 2] not in _STOP_PAIRS:
                    places.setdefault(token[start : start + 2], match.start() + start)
            continue
        for word in _HUMP.split(token):
            lower = word.lower()
            if len(lower) >= _SHORTEST and lower not in STOP_WORDS:
                places.setdefault(_singular(lower), match.start())
    return places


def mention(name: str) -> re.Pattern[str]:
    """Return a pattern of an identifier, however its words are joined: `magic_function` and `Magic function`."""
    words = re.findall(r"[^\W\d_]+|\d+", _HUMP.sub("_", name))
    if not words:
        return _NOTHING
    return re.compile(r"(?<![^\W_])" + r"[\W_]{0,3}".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _SHORTEST + 1:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > _SHORTEST else word
