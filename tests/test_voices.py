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
        ("English", ["Jennifer", "Aiden", "Mione"]),
        ("british", ["Mione"]),
        ("Minnan", ["Joseph Chen"]),
        ("Turkish", ["Arda"]),
        ("Tagalog", ["Bea"]),
        ("粤语", ["Kiki", "Rocky"]),
        ("广东话", ["Kiki", "Rocky"]),
        ("四川话", ["Sunny", "Eric"]),
        ("四川", ["Sunny", "Eric"]),
        ("方言", ["Sunny", "Dylan", "Eric", "Peter", "Marcus", "Li"]),
        ("闽南语", ["Joseph Chen"]),
        ("日语", ["Ono Anna"]),
        ("日文", ["Ono Anna"]),
        ("英文", ["Jennifer", "Aiden", "Mione"]),
        ("西班牙语", ["Sonrisa", "Bodega"]),
        ("菲律宾语", ["Bea"]),
        ("印度尼西亚语", ["Rizky"]),
        ("Thai", []),
        ("克林贡语", []),
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
        ("甜甜", ("Tina",)),
        ("四川·晴儿", ("Sunny",)),
        ("海娜", ("Griet", "Sigga")),
        ("Cherry", ()),
        ("", ()),
    ],
)
def test_similar_names_the_likeliest_first(name: str, expected: tuple[str, ...]) -> None:
    assert voices.similar(name) == expected


def test_similar_gives_three_at_the_most() -> None:
    assert voices.similar("ariana") == ("Marina", "Katerina", "Tina")


@pytest.mark.parametrize("called", ["Mandarin", "普通话", "中文"])
def test_most_voices_are_made_for_mandarin(called: str) -> None:
    found = [voice.name for voice in voices.search(called)]
    assert found == NAMES[: NAMES.index("Ryan") + 1]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tina", ("Chinese", "中文", "甜甜")),
        ("Sunny", ("Sichuan dialect", "四川话", "四川·晴儿")),
        ("Rocky", ("Cantonese", "粤语", "粤语·阿强")),
        ("Sonrisa", ("Latin American Spanish", "西班牙语", "索尼莎")),
        ("Eliška", ("Czech", "捷克语", "艾莉卡")),
        ("Bea", ("Filipino", "他加禄语", "雅娜")),
        ("Roya", ("", "", "萝雅")),
    ],
)
def test_a_voice_in_both_languages(name: str, expected: tuple[str, str, str]) -> None:
    (voice,) = [voice for voice in voices.VOICES if voice.name == name]
    assert (voice.language, voice.chinese_language, voice.chinese_name) == expected


def test_every_voice_has_a_chinese_name_and_its_language_is_spoken() -> None:
    assert all(voice.chinese_name for voice in voices.VOICES)
    assert [voice.name for voice in voices.VOICES if not voice.chinese_language] == ["Andre", "Roya", "Marina"]


def test_the_languages_in_numbers() -> None:
    spoken, dialects, understood, understood_dialects = voices.LANGUAGES
    assert (len(spoken), len(dialects), understood, understood_dialects) == (29, 7, 74, 39)
    terms = [term for each in (*spoken, *dialects) for term in (each.name, each.chinese_name, *each.aliases)]
    assert len(set(terms)) == len(terms)


@pytest.mark.parametrize(
    ("model", "found", "languages"),
    [
        (_profiles.DEFAULT_MODEL, voices.names(), voices.LANGUAGES),
        ("qwen3-omni-flash-all", ("Cherry", "Chelsie"), None),
        ("qwen3.8-omni-flash", (), voices.Languages((), ())),
        ("another-model", (), None),
    ],
)
def test_voices_and_languages_of_a_model(
    model: str, found: tuple[str, ...], languages: voices.Languages | None
) -> None:
    assert tuple(voice.name for voice in voices.of(model)) == found
    assert voices.languages(model) == languages


def test_the_profile_of_the_default_model_is_a_copy_of_its_own() -> None:
    first = _profiles.profile(_profiles.DEFAULT_MODEL)
    assert first is not None
    assert (first["max_input_tokens"], first["max_output_tokens"]) == (262_144, 65_536)
    first["max_input_tokens"] = 1
    assert (_profiles.profile(_profiles.DEFAULT_MODEL) or {})["max_input_tokens"] == 262_144


def test_nothing_is_claimed_of_an_unknown_model() -> None:
    assert _profiles.profile("another-model") is None
