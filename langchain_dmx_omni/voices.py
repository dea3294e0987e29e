"""The voices of the spoken answer: for discovery, never a gate.

An unknown name is sent as it is. The service answers an invalid voice with nothing at all, and the error for
that names the voice and those that it may have meant.

Source: three copies of Alibaba Model Studio's list for Qwen3.5-Omni, read 2026-11; DMXAPI's own pages say 55
and show Tina and Serena. Any voice speaks every language of the model; `language` is the one it was made for,
empty where the source names none.
"""

from __future__ import annotations

import difflib
from typing import NamedTuple

__all__ = ["VOICES", "Voice", "names", "search", "similar"]


class Voice(NamedTuple):
    """One voice: its name on the wire, the language or dialect it was made for, and its character."""

    name: str
    language: str = ""
    character: str = ""


VOICES: tuple[Voice, ...] = (
    Voice("Tina", character="the default; tested by DMXAPI"),
    Voice("Cindy"),
    Voice("Liora Mira"),
    Voice("Sunnybobi"),
    Voice("Raymond"),
    Voice("Ethan"),
    Voice("Theo Calm"),
    Voice("Serena", character="tested by DMXAPI"),
    Voice("Harvey"),
    Voice("Maia"),
    Voice("Evan"),
    Voice("Qiao"),
    Voice("Momo"),
    Voice("Wil"),
    Voice("Angel"),
    Voice("Li Cassian"),
    Voice("Mia"),
    Voice("Joyner"),
    Voice("Gold"),
    Voice("Katerina"),
    Voice("Ryan"),
    Voice("Jennifer"),
    Voice("Aiden"),
    Voice("Mione"),
    Voice("Sunny", "Sichuan dialect"),
    Voice("Dylan", "Beijing dialect"),
    Voice("Eric", "Sichuan dialect"),
    Voice("Peter", "Tianjin dialect"),
    Voice("Joseph Chen"),
    Voice("Marcus", "Shaanxi dialect"),
    Voice("Li", "Nanjing dialect"),
    Voice("Kiki", "Cantonese"),
    Voice("Rocky", "Cantonese"),
    Voice("Sohee", "Korean"),
    Voice("Lenn", "German"),
    Voice("Ono Anna", "Japanese"),
    Voice("Sonrisa", "Latin American Spanish"),
    Voice("Bodega", "Spanish"),
    Voice("Emilien", "French"),
    Voice("Andre"),
    Voice("Radio Gol", "Portuguese"),
    Voice("Alek", "Russian"),
    Voice("Rizky", "Indonesian"),
    Voice("Roya"),
    Voice("Arda"),
    Voice("Hana", "Vietnamese"),
    Voice("Dolce", "Italian"),
    Voice("Jakub", "Polish"),
    Voice("Griet", "Dutch"),
    Voice("Eliška"),
    Voice("Marina"),
    Voice("Siiri"),
    Voice("Ingrid", "Norwegian"),
    Voice("Sigga", "Icelandic"),
    Voice("Bea", "Filipino"),
    Voice("Chloe", "Malay"),
)
"""The catalogue, in the order of the source."""


def names() -> tuple[str, ...]:
    """Return the names of all voices."""
    return tuple(voice.name for voice in VOICES)


def search(language: str) -> tuple[Voice, ...]:
    """Return the voices made for a language or dialect, such as `"cantonese"` or `"Spanish"`."""
    wanted = language.casefold()
    return tuple(voice for voice in VOICES if wanted in voice.language.casefold())


def similar(name: str) -> tuple[str, ...]:
    """Return up to three catalogue names that `name` may have meant, the likeliest first."""
    by_folded = {voice.name.casefold(): voice.name for voice in VOICES}
    folded = name.casefold()
    if folded in by_folded:
        return (by_folded[folded],)
    return tuple(by_folded[match] for match in difflib.get_close_matches(folded, by_folded, n=3, cutoff=0.6))
