"""Every way in which an answer may arrive, over real sockets, asked in all four ways."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from langchain_dmx_omni import ChatDMXOmni, Speech, errors
from langchain_dmx_omni.testing import scripts
from langchain_dmx_omni.testing.scripts import ARRIVALS, BROKEN_ARRIVALS, ODD_TEXT, PCM, TEXT

from .calls import blocks, model
from .ways import WAYS, Way

if TYPE_CHECKING:
    from langchain_dmx_omni.testing import LocalGateway

USAGE = {
    "input_tokens": 12,
    "output_tokens": 6,
    "total_tokens": 18,
    "input_token_details": {"cache_read": 0},
    "output_token_details": {"reasoning": 0},
}
ARGUMENTS = {"city": "Paris", "days": 3}


@dataclass(frozen=True)
class Whole:
    """What the message of a whole answer holds."""

    text: str = TEXT
    pcm: bytes | None = None
    finish: str = "stop"
    usage: dict[str, Any] | None = field(default_factory=lambda: USAGE)
    calls: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    invalid: tuple[tuple[str, str, str], ...] = ()
    annotations: tuple[dict[str, Any], ...] = ()
    audio_url: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    warns: str | None = None


@dataclass(frozen=True)
class Broken:
    """The error of an arrival that is no answer."""

    kind: type[errors.DMXOmniError]
    hint: str
    partial: str | None = None


BEGUN = TEXT[: len("Hello from ")]  # two deltas are out when these break
SPEECH = {name: Whole(pcm=PCM) for name in ARRIVALS if name.startswith("speech_")}
EXPECTED: dict[str, Whole | Broken] = {
    **{name: Whole() for name in ARRIVALS},
    **SPEECH,
    "crlf_cut_at_every_byte": Whole(ODD_TEXT),
    "cut_at_every_7_bytes": Whole(ODD_TEXT),
    "odd_characters": Whole(ODD_TEXT),
    "line_of_40_mb": Whole(pcm=bytes(scripts.BIG_PCM_BYTES)),
    "no_usage": Whole(usage=None),
    "done_line_only": Whole(usage=None),
    "tool_call": Whole("", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS),)),
    "tool_call_done_without_arguments": Whole("", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS),)),
    "tool_call_without_deltas": Whole("", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS),)),
    "two_tool_calls": Whole(
        "", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS), ("weather", "call_2", ARGUMENTS))
    ),
    "two_tool_calls_in_one_place": Whole(
        "", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS), ("weather", "call_2", ARGUMENTS))
    ),
    "tool_call_done_says_more": Whole("", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS),)),
    "tool_call_done_says_other": Whole("", finish="tool_calls", calls=(("weather", "call_1", ARGUMENTS),)),
    "tool_call_cut_off": Whole(
        "",
        finish="length",
        invalid=(("weather", scripts.CUT_ARGUMENTS, "cut off: the answer reached its greatest length"),),
        warns="cut off at the model's own limit",
    ),
    "tool_call_not_json": Whole(
        "", finish="tool_calls", invalid=(("weather", scripts.TOOL_ARGUMENTS * 2, "not JSON (Extra data"),)
    ),
    "tool_call_without_a_name": Whole(
        "", finish="tool_calls", invalid=(("", scripts.TOOL_ARGUMENTS, "the call has no name"),)
    ),
    "emoji_cut_in_two": Whole(scripts.EMOJI),
    "url_citation": Whole(annotations=({**scripts.URL_CITATION, "type": "citation"},)),
    "audio_as_base64": Whole(pcm=PCM),
    "audio_as_data_url": Whole(pcm=PCM),
    "audio_as_url": Whole(
        audio_url=scripts.AUDIO_URL, warns=f"behind a URL, which is not fetched: {scripts.AUDIO_URL}"
    ),
    "completed_and_incomplete": Whole(finish="length", warns="cut off at the model's own limit"),
    "reasoning_summary": Whole(reasoning=scripts.REASONING),
    "refusal": Whole(scripts.REFUSAL, refusal=scripts.REFUSAL),
    "audio_transcript": Whole(pcm=PCM),
    "incomplete_max_output_tokens": Whole(finish="length", warns="cut off at the model's own limit"),
    "incomplete_content_filter": Whole(finish="content_filter", warns="'content_filter'"),
    "closes_early": Broken(errors.StreamInterruptedError, "before the answer ended", BEGUN),
    "closes_mid_event": Broken(errors.StreamInterruptedError, "before the answer ended", "Hello "),
    "aborts": Broken(errors.StreamInterruptedError, "broke off midway", BEGUN),
    "aborts_at_once": Broken(errors.StreamInterruptedError, "broke off midway"),
    "nothing": Broken(errors.EmptyAnswerError, "HTTP 200 and nothing in it"),
    "pings_only": Broken(errors.EmptyAnswerError, "HTTP 200 and nothing in it"),
    "failed": Broken(errors.ServerError, "the service broke off the answer", TEXT),
    "completed_and_failed": Broken(errors.ServerError, "upstream broke (request id: req_1)", TEXT),
    "completed_with_an_error": Broken(errors.ServerError, "upstream broke (request id: req_1)", TEXT),
    "completed_and_cancelled": Broken(errors.ServerError, "the response's status is 'cancelled'", TEXT),
    "error_flat_then_done": Broken(errors.ServerError, "upstream broke", BEGUN),
    "stray_line_then_done": Broken(errors.StreamInterruptedError, "begins with 'upstream connect error or", BEGUN),
    "stray_line_then_completed": Broken(errors.StreamInterruptedError, "'upstream connect error\\n'", TEXT),
    "chat_completions": Broken(errors.ProtocolError, "answers in Chat Completions ('chat.completion.chunk')"),
    "error_event_flat": Broken(errors.ServerError, "upstream broke", BEGUN),
    "error_event_nested": Broken(errors.ServerError, "upstream broke (request id: req_1)", BEGUN),
    "error_in_data": Broken(errors.ServerError, "upstream broke", BEGUN),
    "error_bare_json": Broken(errors.ServerError, "upstream broke", BEGUN),
    "error_bare_json_at_once": Broken(errors.ServerError, "upstream broke"),
    "error_json_with_200": Broken(errors.ServerError, "upstream broke"),
    "html_with_200": Broken(errors.ProtocolError, "HTML page instead of an answer: "),
    "html_with_524": Broken(errors.ServerError, "the service answered 524: "),
}


def spoken_for(case: Whole | Broken) -> dict[str, str]:
    return {} if isinstance(case, Broken) or case.pcm is None else {"voice": "Tina"}


def test_every_arrival_has_its_expectation() -> None:
    assert EXPECTED.keys() == ARRIVALS.keys()
    assert {name for name, case in EXPECTED.items() if isinstance(case, Broken)} == BROKEN_ARRIVALS


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", [name for name, case in EXPECTED.items() if isinstance(case, Whole)])
async def test_whole_answers(gateway: LocalGateway, name: str, way: Way) -> None:
    case = EXPECTED[name]
    assert isinstance(case, Whole)
    gateway.play(ARRIVALS[name]())
    llm = model(gateway, **spoken_for(case))
    if case.warns is None:
        message = await way(llm, "Hello?")
    else:
        with pytest.warns(errors.DMXOmniWarning, match=case.warns):
            message = await way(llm, "Hello?")
    assert message.text == case.text
    assert message.usage_metadata == case.usage
    assert [(call["name"], call["id"], call["args"]) for call in message.tool_calls] == [*case.calls]
    assert [(call["name"], call["args"]) for call in message.invalid_tool_calls] == [one[:2] for one in case.invalid]
    assert all(one[2] in str(call["error"]) for one, call in zip(case.invalid, message.invalid_tool_calls, strict=True))
    refusal = {} if case.refusal is None else {"refusal": case.refusal}
    audio_url = {} if case.audio_url is None else {"audio_url": case.audio_url}
    assert message.response_metadata == {
        "id": "resp_1",
        "model_name": scripts.MODEL,
        "model_provider": "dmxapi",
        "finish_reason": case.finish,
        **refusal,
        **audio_url,
    }
    assert message.id == "resp_1" or name == "deltas_and_completed_only"  # there the id comes too late
    if case.reasoning is not None:
        assert message.additional_kwargs == {"reasoning_content": case.reasoning}
        assert message.content_blocks[0] == {"type": "reasoning", "reasoning": case.reasoning}
    assert [*case.annotations] == [
        each for block in message.content_blocks for each in cast("dict[str, Any]", block).get("annotations", ())
    ]
    if case.pcm is None:
        assert message.content == case.text
    else:
        assert_speaks(message.content, case.text, case.pcm)


def assert_speaks(content: Any, text: str, pcm: bytes) -> None:
    """One text block and one audio block, whose base64 is a WAV that the standard library reads."""
    assert [block["type"] for block in content] == ["text", "audio"]
    assert content[0] == {"type": "text", "text": text, "index": 0}
    assert content[1]["mime_type"] == "audio/wav"
    with wave.open(io.BytesIO(base64.b64decode(content[1]["base64"], validate=True))) as reader:
        assert reader.getparams()[:4] == (1, 2, 24_000, len(pcm) // 2)
        assert reader.readframes(len(pcm)) == pcm


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", sorted(BROKEN_ARRIVALS))
async def test_broken_answers(gateway: LocalGateway, name: str, way: Way) -> None:
    case = EXPECTED[name]
    assert isinstance(case, Broken)
    gateway.play(ARRIVALS[name]())
    with pytest.raises(errors.DMXOmniError) as caught:
        await way(model(gateway), "Hello?")
    error = caught.value
    streamed = way in (WAYS["stream"], WAYS["astream"]) and case.partial is not None
    # A stream that breaks after its first chunk says so, whatever broke it; the cause is kept.
    assert type(error) is (errors.StreamInterruptedError if streamed and case.kind.is_retryable else case.kind)
    assert case.hint in str(error)
    assert (error.partial.text if error.partial is not None else None) == case.partial
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("name", ["failed", "error_event_flat", "error_in_data"])
def test_an_error_within_a_stream_is_the_cause_of_the_interruption(gateway: LocalGateway, name: str) -> None:
    gateway.play(ARRIVALS[name]())
    with pytest.raises(errors.StreamInterruptedError) as caught:
        list(model(gateway).stream("Hello?"))
    assert type(caught.value.__cause__) is errors.ServerError


@pytest.mark.parametrize("shape", scripts.SPEECH_SHAPES)
async def test_speech_is_the_same_bytes_in_all_ways(gateway: LocalGateway, shape: str) -> None:
    gateway.play(*[scripts.sse(scripts.spoken(TEXT, PCM, shape))] * 4)
    llm = model(gateway, voice="Tina")
    messages = [await way(llm, "Hello?") for way in WAYS.values()]
    assert_speaks(messages[0].content, TEXT, PCM)
    assert all(message == messages[0] for message in messages)
    assert all(Speech.from_message(message).pcm == PCM for message in messages)


@pytest.mark.parametrize("output_version", ["v0", "v1"])
@pytest.mark.filterwarnings("ignore:the answer is cut off")
@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "tool_call",
        "two_tool_calls",
        "tool_call_cut_off",
        "tool_call_not_json",
        "tool_call_done_says_other",
        "reasoning_summary",
        "refusal",
        "url_citation",
        "speech_deltas",
    ],
)
async def test_all_ways_give_the_same_message(gateway: LocalGateway, name: str, output_version: str) -> None:
    gateway.play(*[ARRIVALS[name]()] * 4)
    spoken = spoken_for(EXPECTED[name])
    llm = model(gateway, output_version=output_version, **spoken)
    messages = [await way(llm, "Hello?") for way in WAYS.values()]
    assert all(message.content_blocks == messages[0].content_blocks for message in messages)
    assert all(message.tool_calls == messages[0].tool_calls for message in messages)
    assert all(message.response_metadata == messages[0].response_metadata for message in messages)
    assert all(message == messages[0] for message in messages)


def test_usage_and_metadata_come_once_on_the_last_chunk(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["speech_deltas"]())
    chunks = list(model(gateway, voice="Tina").stream("Hello?"))
    assert [chunk.chunk_position for chunk in chunks] == [None] * (len(chunks) - 1) + ["last"]
    assert [bool(chunk.usage_metadata) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert [bool(chunk.response_metadata) for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert {chunk.id for chunk in chunks} == {"resp_1"}
    assert [block["mime_type"] for chunk in chunks for block in blocks(chunk) if "mime_type" in block] == ["audio/wav"]


def test_text_is_handed_out_delta_by_delta(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["plain"]())
    chunks = list(model(gateway).stream("Hello?"))
    assert [chunk.content for chunk in chunks] == ["Hello ", "from ", "the ", "gateway.", ""]


@pytest.mark.parametrize(
    ("voice", "hint"),
    [
        ("Cherry", "voice='Cherry' is not in the catalogue: see langchain_dmx_omni.voices.names()"),
        ("Tinna", "voice='Tinna' is not in the catalogue: did you mean 'Tina' or 'Katerina'?"),
    ],
)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_an_unknown_voice_is_named(gateway: LocalGateway, way: Way, voice: str, hint: str) -> None:
    llm = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, voice=voice)
    with pytest.raises(errors.EmptyAnswerError) as caught:
        await way(llm, "Hello?")
    assert str(caught.value) == (
        f"the service answered with HTTP 200 and nothing in it, as it does for a voice that it does not know; {hint}"
    )
    assert len(gateway.requests) == 1  # an unknown voice stays unknown: no second try


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_speech_that_does_not_come_is_warned_of(gateway: LocalGateway, way: Way) -> None:
    gateway.play(ARRIVALS["plain"]())
    with pytest.warns(errors.DMXOmniWarning, match="speech was asked for .voice='Tina'., and only text arrived"):
        message = await way(model(gateway, voice="Tina"), "Hello?")
    assert message.text == TEXT
