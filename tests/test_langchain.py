"""At home in LangChain: the cache, fallbacks, histories, configuration, registration, agents, small states."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain.chat_models import base, init_chat_model
from langchain_core.caches import InMemoryCache
from langchain_core.chat_history import InMemoryChatMessageHistory
from langchain_core.language_models import LanguageModelInput, ModelProfile
from langchain_core.load import dumps
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.rate_limiters import InMemoryRateLimiter
from langchain_core.runnables import ConfigurableField
from langchain_core.runnables.history import RunnableWithMessageHistory
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langsmith.anonymizer import create_anonymizer

from langchain_dmx_omni import ChatDMXOmni, Speech, _profiles, errors, media, registry
from langchain_dmx_omni.testing import scripts
from langchain_dmx_omni.testing.scripts import ARRIVALS, PCM, TEXT
from tests import gateway_clips
from tests.calls import body_of, model
from tests.ways import WAYS, Way

if TYPE_CHECKING:
    from langchain_dmx_omni.testing import LocalGateway

ROOT = Path(__file__).resolve().parent.parent


SOUND = gateway_clips.sound(0.5, 0.5)
ASKED = {
    "text": "Hello?",
    "a block of ours": [HumanMessage([media.audio(SOUND)])],
    # LangChain gives this one a random id on the way in.
    "OpenAI's audio": [
        ("human", [{"type": "input_audio", "input_audio": {"data": media.audio(SOUND)["base64"], "format": "wav"}}])
    ],
}


@pytest.mark.parametrize("question", ASKED.values(), ids=ASKED)
@pytest.mark.parametrize("way", [WAYS["invoke"], WAYS["ainvoke"]], ids=["invoke", "ainvoke"])
async def test_the_same_question_is_answered_from_the_cache(gateway: LocalGateway, way: Way, question: Any) -> None:
    cached = model(gateway, voice="Tina", cache=InMemoryCache())
    first, again = await way(cached, question), await way(cached, question)
    assert len(gateway.requests) == 1
    assert Speech.from_message(again) == Speech.from_message(first)
    await way(cached, question, temperature=1.0)
    assert len(gateway.requests) == 2


def test_the_cache_s_key_holds_no_secret(gateway: LocalGateway) -> None:
    assert "sk-very-secret" not in model(gateway, api_key="sk-very-secret")._get_llm_string()


def test_fallbacks(gateway: LocalGateway) -> None:
    gateway.play(scripts.error(401, "no"))
    assert model(gateway).with_fallbacks([model(gateway)]).invoke("Hello?").text.startswith("This is a simulated")


def test_with_retry_tries_again_what_may_help(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["closes_early"](), ARRIVALS["plain"]())
    retrying = model(gateway).with_retry(retry_if_exception_type=(errors.StreamInterruptedError,))
    assert retrying.invoke("Hello?").text == TEXT


def test_configurable_fields(gateway: LocalGateway) -> None:
    configurable = model(gateway, timeout=7).configurable_fields(
        voice=ConfigurableField(id="voice"), temperature=ConfigurableField(id="temperature")
    )
    message = configurable.invoke("Hello?", {"configurable": {"voice": "Ethan", "temperature": 0.1}})
    assert Speech.from_message(message).duration > 1
    body = body_of(gateway.requests[0])
    assert (body["audio"]["voice"], body["temperature"]) == ("Ethan", 0.1)


def test_a_timeout_alone_stands_for_the_events_timeouts_in_copies_too(gateway: LocalGateway) -> None:
    one = model(gateway, timeout=7)
    assert (one.first_event_timeout, one.idle_timeout) == (7, 7)
    copy = type(one)(**one.__dict__)
    assert (copy.first_event_timeout, copy.idle_timeout) == (7, 7)
    assert model(gateway, timeout=7, idle_timeout=3).idle_timeout == 3
    assert (model(gateway).first_event_timeout, model(gateway).idle_timeout) == (300, 120)


# Both are deprecated, and much used.
@pytest.mark.filterwarnings("ignore:RunnableWithMessageHistory is deprecated")
@pytest.mark.filterwarnings("ignore:The class `InMemoryChatMessageHistory` was deprecated")
def test_a_history_is_sent_back_without_its_speech(gateway: LocalGateway) -> None:
    histories: dict[str, InMemoryChatMessageHistory] = {}
    remembering = RunnableWithMessageHistory(
        model(gateway, voice="Tina"), lambda session: histories.setdefault(session, InMemoryChatMessageHistory())
    )
    config: Any = {"configurable": {"session_id": "1"}}
    first = remembering.invoke([HumanMessage("Hello?")], config)
    remembering.invoke([HumanMessage("And now?")], config)
    assert body_of(gateway.requests[1])["input"] == [
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": first.text},
        {"role": "user", "content": "And now?"},
    ]


def test_a_call_without_a_name_does_not_stop_the_next_turn(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["tool_call_without_a_name"](), ARRIVALS["plain"]())
    asked = model(gateway)
    answer = asked.invoke("Hello?")
    with pytest.warns(errors.DMXOmniWarning, match="take it: a tool call without a name$"):
        assert asked.invoke([HumanMessage("Hello?"), answer, HumanMessage("And?")]).text == TEXT
    assert body_of(gateway.requests[1])["input"] == [
        {"role": "user", "content": "Hello?"},
        {"role": "user", "content": "And?"},
    ]


def test_a_rate_limiter_is_asked(gateway: LocalGateway) -> None:
    limited = model(gateway, rate_limiter=InMemoryRateLimiter(requests_per_second=5, check_every_n_seconds=0.01))
    start = time.monotonic()
    for _ in range(3):
        limited.invoke("Hello?")
    assert time.monotonic() - start > 0.3


def test_streaming_can_be_disabled(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["plain"]())
    assert [chunk.content for chunk in model(gateway, disable_streaming=True).stream("Hello?")] == [TEXT]


async def test_batches_keep_their_order(gateway: LocalGateway) -> None:
    questions: list[LanguageModelInput] = [f"Question {number}?" for number in range(8)]
    asked = model(gateway)
    for messages in (asked.batch(questions), await asked.abatch(questions)):
        assert [re.findall(r"Question \d", message.text)[0] for message in messages] == [
            f"Question {n}" for n in range(8)
        ]


def test_what_the_model_is(gateway: LocalGateway) -> None:
    one = model(gateway, temperature=0.5, stop=["END"], voice="Tina")
    assert one._get_ls_params() == {
        "ls_provider": "dmxapi",
        "ls_model_name": "qwen3.5-omni-plus-all",
        "ls_model_type": "chat",
        "ls_temperature": 0.5,
        "ls_stop": ["END"],
    }
    assert one._identifying_params == {
        "model": "qwen3.5-omni-plus-all",
        "audio_format": "wav",
        "stream_usage": True,
        "system_with_audio": "fold",
        "temperature": 0.5,
        "stop": ["END"],
        "voice": "Tina",
    }
    assert one.profile is not None
    assert one.profile["video_inputs"]
    assert one.profile["max_input_tokens"] == 262_144
    assert not one.profile["structured_output"]
    assert model(gateway, model="another").profile is None
    assert "sk-local" not in dumps(one)


def test_a_profile_of_the_users_own(gateway: LocalGateway) -> None:
    assert model(gateway, profile={"max_input_tokens": 5}).profile == {"max_input_tokens": 5}
    with pytest.warns(UserWarning, match=r"Unrecognized keys in model profile: \['max_tokens'\]"):
        model(gateway, profile={"max_tokens": 5})


def test_every_key_of_our_own_profile_is_langchains() -> None:
    assert (_profiles.profile(_profiles.DEFAULT_MODEL) or {}).keys() <= get_type_hints(ModelProfile).keys()


def test_init_chat_model_knows_it_once_it_is_registered(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
    monkeypatch.setenv("DMXAPI_BASE_URL", gateway.base_url)
    # A page of the docs, which tests run too, may have registered it.
    others = {name: entry for name, entry in base._BUILTIN_PROVIDERS.items() if name != registry.PROVIDER}
    monkeypatch.setattr(base, "_BUILTIN_PROVIDERS", others)
    base._get_chat_model_creator.cache_clear()
    with pytest.raises(ValueError, match="dmx_omni"):
        init_chat_model("dmx_omni:qwen3.5-omni-plus-all")
    registry.register()
    registry.register()
    made = init_chat_model("dmx_omni:qwen3.5-omni-plus-all", temperature=0.5)
    assert isinstance(made, ChatDMXOmni)
    assert made.temperature == 0.5
    assert (
        create_agent("dmx_omni:qwen3.5-omni-plus-all")
        .invoke({"messages": [HumanMessage("Hello?")]})["messages"][-1]
        .text
    )
    base._get_chat_model_creator.cache_clear()


def test_another_langchain_is_told_from_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(base, "_BUILTIN_PROVIDERS")
    with pytest.raises(RuntimeError, match=r"pass ChatDMXOmni\(…\) itself"):
        registry.register()


def test_registering_without_langchain_is_explained() -> None:
    code = (
        "import sys; sys.modules['langchain.chat_models'] = None; sys.modules['langchain'] = None\n"
        "from langchain_dmx_omni import registry\n"
        "try: registry.register()\n"
        "except ImportError as error: print(error)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ran.stdout == "init_chat_model is part of langchain: pip install langchain\n"


def test_summarizing_leaves_a_video_alone(gateway: LocalGateway) -> None:
    """LangChain's own counter counts what `repr` shows: base64, once a checkpoint has made a plain string of it."""
    clip = gateway_clips.clip((1, 2, 3), seconds=1.0)
    padded = clip + b"\x00\x04\x00\x00free" + bytes(0x40000 - 8)
    llm = model(gateway)
    fresh = media.video(padded)

    def asked(block: dict[str, Any], **counter: Any) -> int:
        gateway.reset()
        question = HumanMessage([block, {"type": "text", "text": "What is this?"}])
        summarizing = SummarizationMiddleware(llm, trigger=("tokens", 5_000), keep=("messages", 1), **counter)
        agent = create_agent(llm, middleware=[summarizing])
        agent.invoke({"messages": [HumanMessage("Hi"), AIMessage("Hello"), question]})
        return len(gateway.requests)

    restored = {**fresh, "base64": str(fresh["base64"])}
    assert asked(fresh, token_counter=llm.get_num_tokens_from_messages) == 1
    assert asked(restored, token_counter=llm.get_num_tokens_from_messages) == 1
    assert asked(restored) == 2  # LangChain's own
    assert asked(fresh) == 1


def test_speech_in_chunks_passes_through_a_checkpoint(gateway: LocalGateway) -> None:
    gateway.play(ARRIVALS["speech_deltas"]())
    chunks = list(model(gateway, voice="Tina").stream("Hello?"))
    serde = JsonPlusSerializer()
    back = [serde.loads_typed(serde.dumps_typed(chunk)) for chunk in chunks]
    assert Speech.from_chunks(back).pcm == PCM
    total = back[0]
    for chunk in back[1:]:
        total = total + chunk
    assert Speech.from_message(total).pcm == PCM


def test_an_anonymizer_keeps_media_out_of_traces(gateway: LocalGateway) -> None:
    anonymize = create_anonymizer([{"pattern": re.compile(r"[A-Za-z0-9+/]{200,}={0,2}"), "replace": "[media]"}])
    message = model(gateway, voice="Tina").invoke([HumanMessage([media.audio(SOUND)])])
    assert len(json.dumps(message.content)) > 10_000
    assert len(json.dumps(anonymize({"content": message.content}))) < 1_000
