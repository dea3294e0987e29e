"""How times are written and spoken. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_MINUTE, _HOUR = 60, 3600
_HAN: Final = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_KANA_OR_HANGUL: Final = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uac00-\ud7af]")


def clock(seconds: float) -> str:
    """Return a time as it stands in players, such as `1:05` or `1:02:03`; a part of a second is cut off."""
    minutes, rest = divmod(int(seconds), _MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def time_range(start: float, end: float) -> str:
    """Return a span as it stands in players, such as `0:05–0:08`."""
    return f"{clock(start)}–{clock(end)}"


def spoken_time(time: str, *, chinese: bool) -> str:
    """Return what `clock` gives in words that a voice can read, such as `1 minute 5 seconds` or `1分5秒`."""
    amounts = [int(part) for part in time.split(":")]
    units = ("小时", "分", "秒") if chinese else ("hour", "minute", "second")
    counted = [(amount, unit) for amount, unit in zip(amounts, units[-len(amounts) :], strict=True) if amount]
    if chinese:
        return "".join(f"{amount}{unit}" for amount, unit in counted or [(0, "秒")])
    return " ".join(f"{amount} {unit}{'' if amount == 1 else 's'}" for amount, unit in counted or [(0, "second")])


def is_chinese(text: str) -> bool:
    """Whether a text is in Chinese, by its script: Han characters, and none that only Japanese or Korean has."""
    composed = unicodedata.normalize("NFC", text)
    return bool(_HAN.search(composed)) and not _KANA_OR_HANGUL.search(composed)
