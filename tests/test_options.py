"""The options of one call: fields, overridden by the call's own arguments, and every misspelling told."""

# ruff: noqa: E501  # a table has one case a line

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from langchain_dmx_omni._request.options import NAMES, Options, resolve, warn_unknown
from langchain_dmx_omni.errors import ConfigurationError, DMXOmniWarning


def test_nothing_given_is_the_defaults() -> None:
    assert resolve({}, {}) == Options(media_roots=[])


CASES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("a field", {"seed": 1}, {}, {"seed": 1}),
    ("a call's own", {}, {"seed": 2}, {"seed": 2}),
    ("the call wins", {"seed": 1, "top_p": 0.5}, {"seed": 2}, {"seed": 2, "top_p": 0.5}),
    ("zero wins as well", {"seed": 1, "temperature": 0.5}, {"seed": 0, "temperature": 0.0}, {"seed": 0, "temperature": 0.0}),
    ("None takes a field back", {"voice": "Tina"}, {"voice": None}, {"voice": None}),
    ("extra_body is merged", {"extra_body": {"a": 1, "b": 1}}, {"extra_body": {"b": 2}}, {"extra_body": {"a": 1, "b": 2}}),
    ("extra_body of the call alone", {"extra_body": None}, {"extra_body": {"b": 2}}, {"extra_body": {"b": 2}}),
    ("extra_body taken back", {"extra_body": {"a": 1}}, {"extra_body": None}, {"extra_body": None}),
    ("LangChain's switch is no option", {}, {"stream": True}, {}),
    ("a root as text", {}, {"media_roots": ["/srv"]}, {"media_roots": [Path("/srv")]}),
    ("a lone root is no list of letters", {}, {"media_roots": "/srv"}, {"media_roots": [Path("/srv")]}),
    ("a lone root as a path", {}, {"media_roots": Path("/srv")}, {"media_roots": [Path("/srv")]}),
    ("roots taken back", {"media_roots": [Path("/srv")]}, {"media_roots": None}, {"media_roots": []}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "call", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_fields_and_calls_are_merged(given: dict[str, Any], call: dict[str, Any], expected: dict[str, Any]) -> None:
    before = repr((given, call))
    assert resolve(given, call) == Options(**{"media_roots": [], **expected})
    assert repr((given, call)) == before


@pytest.mark.parametrize(
    ("given", "call", "speaks", "spoken_by"),
    [
        ({}, {}, False, None),
        ({"voice": "Ethan"}, {}, True, "Ethan"),
        ({"modalities": ["text", "audio"]}, {}, True, "Tina"),
        ({"modalities": ("audio", "text"), "voice": "Ethan"}, {}, True, "Ethan"),
        ({"modalities": ["audio"]}, {}, True, "Tina"),
        ({"modalities": ["text"]}, {}, False, None),
        ({"voice": "Ethan"}, {"modalities": ["text"]}, False, None),
        ({"voice": "Ethan"}, {"voice": None}, False, None),
        ({"voice": "Ethan", "modalities": ["text"]}, {}, False, None),
        ({}, {"voice": "Ethan"}, True, "Ethan"),
        ({"modalities": ["text"]}, {"voice": "Ethan", "modalities": ["text", "audio"]}, True, "Ethan"),
    ],
)
def test_a_voice_switches_speech_on_and_modalities_decide(
    given: dict[str, Any], call: dict[str, Any], speaks: bool, spoken_by: str | None
) -> None:
    options = resolve(given, call)
    assert (options.speaks, options.spoken_by) == (speaks, spoken_by)


REFUSED = [
    ({"modalities": []}, "modalities=[]: give ['text'], or ['text', 'audio'] for speech"),
    ({"modalities": "audio"}, "modalities='audio': give ['text'], or ['text', 'audio'] for speech"),
    ({"modalities": ["text", "video"]},
     "modalities=['text', 'video']: give ['text'], or ['text', 'audio'] for speech"),
    ({"voice": "Ethan", "modalities": ["text"]},
     "voice='Ethan' asks for speech and modalities=['text'] for none; "
     "leave modalities out, or give modalities=['text', 'audio']"),
    ({"extra_body": [("a", 1)]}, "extra_body is a list: give a dict of further parameters"),
    ({"system_with_audio": "drop"}, "system_with_audio='drop': give one of 'fold', 'send', 'error'"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "told"), REFUSED)
def test_what_contradicts_itself_is_refused_with_a_remedy(call: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve({"extra_body": {"a": 1}}, call)
    assert str(caught.value) == told


def test_a_voice_for_a_call_of_a_model_that_answers_in_text_is_a_contradiction() -> None:
    with pytest.raises(ConfigurationError, match="voice='Ethan' asks for speech"):
        resolve({"modalities": ["text"]}, {"voice": "Ethan"})


WARNINGS = [
    ("temprature", "temprature= is not an argument and is ignored; did you mean temperature=?"),
    ("voise", "voise= is not an argument and is ignored; did you mean voice=?"),
    ("modality", "modality= is not an argument and is ignored; did you mean modalities=?"),
    ("max_output_tokens", "max_output_tokens= is not an argument and is ignored; did you mean max_tokens=?"),
    ("max_completion_tokens", "max_completion_tokens= is not an argument and is ignored; did you mean max_tokens=?"),
    ("stop_sequences", "stop_sequences= is not an argument and is ignored; did you mean stop=?"),
    ("model_kwargs", "model_kwargs= is not an argument and is ignored; did you mean extra_body=?"),
    ("timeout", "timeout= is not an argument and is ignored; "
     "timeout= is given to the model, not to a call: ChatDMXOmni(timeout=…)"),
    ("request_timeout", "request_timeout= is not an argument and is ignored; "
     "timeout= is given to the model, not to a call: ChatDMXOmni(timeout=…)"),
    ("openai_api_key", "openai_api_key= is not an argument and is ignored; "
     "api_key= is given to the model, not to a call: ChatDMXOmni(api_key=…)"),
    ("repetition_penalty", "repetition_penalty= is not an argument and is ignored; "
     "to send it to the service, use extra_body={'repetition_penalty': …}"),
    ("top_k", "top_k= is not an argument and is ignored; to send it to the service, use extra_body={'top_k': …}"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "told"), WARNINGS, ids=[name for name, _ in WARNINGS])
def test_an_unknown_argument_warns_and_names_the_likely_spelling(name: str, told: str) -> None:
    with pytest.warns(DMXOmniWarning) as caught:
        assert resolve({}, {name: 1}) == Options(media_roots=[])
    assert [str(warning.message) for warning in caught] == [told]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("request_timeout", "timeout"),
        ("openai_api_base", "base_url"),
        ("apikey", "api_key"),
        ("max_retry", "max_retries"),
    ],
)
def test_the_constructor_knows_the_models_own_arguments(name: str, meant: str) -> None:
    with pytest.warns(DMXOmniWarning, match=f"^{name}= is not an argument and is ignored; did you mean {meant}=\\?$"):
        warn_unknown([name], [*NAMES, "timeout", "base_url", "api_key", "max_retries"])


def test_every_unknown_argument_is_told() -> None:
    with pytest.warns(DMXOmniWarning) as caught:
        resolve({}, {"temprature": 1, "sed": 2})
    assert [str(warning.message).split("=")[0] for warning in caught] == ["temprature", "sed"]


def test_known_arguments_are_silent() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_unknown([], NAMES)
        resolve({}, {"temperature": 0.1, "tools": [], "response_format": {}})


def test_the_model_has_every_name_that_belongs_to_it() -> None:
    from langchain_dmx_omni import ChatDMXOmni
    from langchain_dmx_omni._request.options import _OF_THE_MODEL

    own = {"output_version", "streaming", "model_name"}
    fields = set(ChatDMXOmni.model_fields) - own
    foreign = {name for name in fields if name in vars_of_base()}
    assert set(_OF_THE_MODEL) == fields - foreign - set(NAMES)


def test_every_option_is_a_field_of_the_model_or_bound_to_it() -> None:
    from langchain_dmx_omni import ChatDMXOmni

    bound = {"parallel_tool_calls", "response_format", "tool_choice", "tools"}
    assert set(NAMES) == (set(NAMES) & set(ChatDMXOmni.model_fields)) | bound


def vars_of_base() -> set[str]:
    from langchain_core.language_models import BaseChatModel

    return set(BaseChatModel.model_fields)
