"""The catalogue of voices: data for discovery."""

from __future__ import annotations

import pytest

from langchain_dmx_omni import _profiles, voices

# The source's list, in its order.
NAMES = [
    "Tina", "Cindy", "Liora Mira", "Sunnybobi", "Raymond", "Ethan", "Theo Calm", "Serena", "Harvey", "Maia", "Evan",
    "Qiao", "Momo", "Wil", "Angel", "Li Cassian", "Mia", "Joyner", "Gold", "Katerina", "Ryan", "Jennifer", "Aiden",
    "Mione", "Sunny", "Dylan", "Eric", "Peter", "Joseph Chen", "Marcus", "Li", "Kiki", "Rocky", "Sohee", "Lenn",
    "Ono Anna", "Sonrisa", "Bodega", "Emilien", "Andre", "Radio Gol", "Alek", "Rizky", "Roya", "Arda", "Hana", "Dolce",
    "Jakub", "Griet", "Eliška", "Marina", "Siiri", "Ingrid", "Sigga", "Bea", "Chloe",
]  # fmt: skip


def test_the_catalogue_has_the_56_names_in_the_order_of_the_source() -> None:
    assert list(voices.names()) == NAMES
    assert len({name.casefold() for name in voices.names()}) == 56


def test_the_default_voice_comes_first() -> None:
    assert voices.VOICES[0].name == _profiles.DEFAULT_VOICE == "Tina"


def test_the_older_models_voices_are_not_in_it() -> None:
    assert not {"Cherry", "Chelsie"} & set(voices.names())


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("Cantonese", ["Kiki", "Rocky"]),
        ("cantonese", ["Kiki", "Rocky"]),
        ("spanish", ["Sonrisa", "Bodega"]),
        ("Sichuan", ["Sunny", "Eric"]),
        ("DIALECT", ["Sunny", "Dylan", "Eric", "Peter", "Marcus", "Li"]),
        ("Klingon", []),
    ],
)
def test_search_finds_the_voices_of_a_language(language: str, expected: list[str]) -> None:
    assert [voice.name for voice in voices.search(language)] == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tina", ("Tina",)),
        ("SERENA", ("Serena",)),
        ("Eliska", ("Eliška",)),
        ("liora mira", ("Liora Mira",)),
        ("Theo", ("Theo Calm",)),
        ("Cherry", ()),
        ("", ()),
    ],
)
def test_similar_names_the_likeliest_first(name: str, expected: tuple[str, ...]) -> None:
    assert voices.similar(name) == expected


def test_similar_gives_three_at_the_most() -> None:
    assert voices.similar("ariana") == ("Marina", "Katerina", "Tina")


def test_the_profile_of_the_default_model_is_a_copy_of_its_own() -> None:
    first = _profiles.profile(_profiles.DEFAULT_MODEL)
    assert first is not None
    assert (first["max_input_tokens"], first["max_output_tokens"]) == (262_144, 65_536)
    first["max_input_tokens"] = 1
    assert (_profiles.profile(_profiles.DEFAULT_MODEL) or {})["max_input_tokens"] == 262_144


def test_nothing_is_claimed_of_an_unknown_model() -> None:
    assert _profiles.profile("another-model") is None
