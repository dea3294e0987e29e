"""Text → speech: 24 kHz mono 16-bit PCM, by espeak-ng where there is one, in tones where there is none."""

from __future__ import annotations

import math
import re
import sys
import zlib
from array import array
from collections.abc import Callable
from functools import lru_cache
from itertools import islice
from typing import Final, Literal

from . import _espeak
from ._answers import SAMPLE_RATE

Speaker = Literal["auto", "espeak", "tones"]

MAX_SECONDS: Final = 60.0
"""Longer answers are spoken to this point."""

_TIMBRES: Final = ("f1", "f2", "f3", "f4", "f5", "m1", "m2", "m3", "m4", "m5", "m6", "m7")  # espeak's own variants
_CHINESE: Final = re.compile(r"[\u3400-\u9fff]")
_SECONDS_PER_CHARACTER: Final = 0.06
_NOTE_CHARACTERS: Final = 3
_FADE: Final = SAMPLE_RATE // 100
_LOUDNESS: Final = 8000  # of 32,767
_SCALE: Final = (0, 2, 4, 7, 9, 12, 14, 16)  # semitones; pentatonic, so that any order of notes is a melody


def speak(text: str, voice: str, speaker: Speaker = "auto", cancelled: Callable[[], bool] = lambda: False) -> bytes:
    """Speak a text, one with Chinese in it in Chinese, any other in English.

    Args:
        text: What to say; the first `MAX_SECONDS` of it.
        voice: A name of the voice catalogue. Each keeps its own timbre and pitch; espeak-ng's flutter still makes
            two utterances of one text differ by a few samples.
        speaker: `espeak`, `tones`, or `auto`: espeak-ng if it is installed.
        cancelled: Stops the work early.

    Returns:
        24 kHz mono 16-bit PCM, little-endian.
    """
    library = None if speaker == "tones" else _espeak.load()
    if library is None:
        return _little_endian(_tones(text, voice))
    mark = zlib.crc32(voice.encode())
    samples = library.speak(
        text,
        voice=f"{'cmn' if _CHINESE.search(text) else 'en-us'}+{_TIMBRES[mark % len(_TIMBRES)]}",
        pitch=35 + mark // 64 % 31,
        seconds=MAX_SECONDS,
        cancelled=cancelled,
    )
    return _little_endian(_resampled(samples, library.rate))


def seconds_of(pcm: bytes) -> float:
    """Return the duration of PCM as `speak` gives it."""
    return len(pcm) / (2 * SAMPLE_RATE)


def _little_endian(samples: array[int]) -> bytes:
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def _resampled(samples: array[int], rate: int) -> array[int]:
    """Resample to 24 kHz, by straight lines between samples: enough for a synthetic voice."""
    if rate == SAMPLE_RATE or not samples:
        return samples
    count = (len(samples) - 1) * SAMPLE_RATE // rate
    step = rate / SAMPLE_RATE
    result: array[int] = array("h", bytes(2 * count))
    for index in range(count):
        position = index * step
        left = int(position)
        value = samples[left]
        result[index] = value + int((position - left) * (samples[left + 1] - value))
    return result


def _tones(text: str, voice: str) -> array[int]:
    """A melody: a note for every few characters, picked by them."""
    base = 180.0 + zlib.crc32(voice.encode()) % 120
    length = int(SAMPLE_RATE * _SECONDS_PER_CHARACTER * _NOTE_CHARACTERS)
    most = int(MAX_SECONDS * SAMPLE_RATE) // length
    pieces = (text[start : start + _NOTE_CHARACTERS] for start in range(0, len(text), _NOTE_CHARACTERS))
    samples: array[int] = array("h")
    for piece in islice(pieces, most):
        semitones = _SCALE[sum(map(ord, piece)) % len(_SCALE)]
        size = length * len(piece) // _NOTE_CHARACTERS
        samples += _note(round(base * 2 ** (semitones / 12)), size) if piece.strip() else array("h", bytes(2 * size))
    return samples


@lru_cache(maxsize=64)
def _note(frequency: int, length: int) -> array[int]:
    """One note (hertz, samples), faded at both ends so that notes join without a click."""
    turn = 2 * math.pi * frequency / SAMPLE_RATE
    return array(
        "h",
        (
            round(_LOUDNESS * min(1.0, index / _FADE, (length - 1 - index) / _FADE) * math.sin(turn * index))
            for index in range(length)
        ),
    )
