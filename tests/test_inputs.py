"""What a model may be called with, and what a person sees of a block: short, whichever way it is shown."""

from __future__ import annotations

import copy
import json
import pickle
from typing import TYPE_CHECKING, Any

import ormsgpack
import pytest
from IPython.core.formatters import DisplayFormatter
from langchain_core.messages import AIMessageChunk, HumanMessage

from langchain_dmx_omni import media
from langchain_dmx_omni._answer.chunks import Base64Piece
from langchain_dmx_omni._media.base64_text import Base64Text
from langchain_dmx_omni._request.inputs import as_messages
from langchain_dmx_omni.errors import InvalidInputError

from .calls import WAYS, body_of, call, model, text
from .gateway_clips import sound

if TYPE_CHECKING:
    from langchain_dmx_omni.testing import LocalGateway

CLIP = media.audio(sound(1.0, 0.5))
PLAIN = {**CLIP, "base64": str(CLIP["base64"])}  # as a checkpoint gives it back
OPENAI = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

INPUTS: dict[str, tuple[Any, list[str]]] = {
    "a block and a text": ([CLIP, "What?"], ["input_audio", "text"]),
    "a text and a block, in a tuple": (("What?", CLIP), ["text", "input_audio"]),
    "a block alone in a list": ([CLIP], ["input_audio"]),
    "a block": (CLIP, ["input_audio"]),
    "another's block": ([OPENAI, {"type": "text", "text": "What?"}], ["image_url", "text"]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("asked", "parts"), INPUTS.values(), ids=INPUTS)
def test_parts_of_a_question_need_no_message(gateway: LocalGateway, asked: Any, parts: list[str], way: str) -> None:
    assert text(call(model(gateway), way, asked))
    (message,) = body_of(gateway.requests[0])["input"]
    assert message["role"] == "user"
    assert [part["type"] for part in message["content"]] == parts


AS_BEFORE: dict[str, Any] = {
    "a text": "What?",
    "texts": ["One", "two"],
    "messages": [HumanMessage("What?")],
    "pairs": [("human", [CLIP])],
    "dicts": [{"role": "user", "content": [CLIP]}],
    "dicts with a type": [{"type": "human", "content": "What?"}],
    "a dict with a role and a block's type": [{"role": "user", "type": "text", "content": "What?"}],
}


@pytest.mark.parametrize("asked", AS_BEFORE.values(), ids=AS_BEFORE)
def test_other_inputs_stay_langchain_s(asked: Any) -> None:
    assert as_messages(asked) is asked


REFUSED: dict[str, tuple[Any, str]] = {
    "a block behind a message": (
        [HumanMessage("Hi"), PLAIN, "What?"],
        "item 2 of the input is a content block (audio) beside messages: put the blocks of one message into it, "
        "HumanMessage([block, 'What is this?'])",
    ),
    "a block beside a number": (
        [PLAIN, 3],
        "item 1 of the input is a content block (audio) beside something of type int",
    ),
    "an unknown block": ([{**PLAIN, "type": "sound"}, "What?"], "Message dict must contain 'role' and 'content' keys"),
    "a block for content": ([("human", PLAIN)], "2 validation errors for HumanMessage"),
    "a file's bytes": ([b"RIFF" * 100, "What?"], "Message as a sequence must be"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("asked", "said"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_input_is_one_short_line(gateway: LocalGateway, asked: Any, said: str, way: str) -> None:
    with pytest.raises((ValueError, NotImplementedError)) as caught:
        call(model(gateway), way, asked)
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 400
    assert isinstance(caught.value, InvalidInputError) or "\n" not in str(caught.value)
    assert not gateway.requests


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_what_is_shown_of_speech_is_short(gateway: LocalGateway, way: str) -> None:
    got = call(model(gateway, voice="Tina"), way)
    whole = got[0]
    for chunk in got[1:]:
        assert isinstance(whole, AIMessageChunk)
        whole += chunk
    for shown in (CLIP, HumanMessage([CLIP, "What?"]), whole, [whole, whole], {"messages": [whole]}):
        data, _ = DisplayFormatter().format(shown)  # type: ignore[no-untyped-call]
        assert "characters of base64>" in data["text/plain"]
        assert len(json.dumps(data)) <= 2_000


def test_base64_is_a_string_to_everyone_else() -> None:
    data = "QUJD" * 100
    held = Base64Text(data)
    assert held == data
    assert repr(held) == "<400 characters of base64>"
    assert repr(Base64Text("QUJD")) == "'QUJD'"
    assert f"{held}" == str(held) == data
    assert json.loads(json.dumps(held)) == ormsgpack.unpackb(ormsgpack.packb(held)) == data
    assert copy.deepcopy([held])[0] is held
    assert type(pickle.loads(pickle.dumps(held))) is str
    last = pickle.loads(pickle.dumps(Base64Piece.final("QUJD")))
    assert (last, last.last) == ("QUJD", True)
