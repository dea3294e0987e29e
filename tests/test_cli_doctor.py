"""`doctor`: what it finds; and `doctor --wire` against the service as its pages may be read."""

from __future__ import annotations

import json
import os
import re
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage

from langchain_dmx_omni import ChatDMXOmni, Speech
from langchain_dmx_omni.cli import _checks, main
from langchain_dmx_omni.cli._wire._probes import PROBES
from langchain_dmx_omni.testing import Answer, LocalGateway, Request, Script, _rules, scripts

from .cli_calls import Shell, application, environment, in_terminal

# --- doctor -----------------------------------------------------------------------------------------------------------


def facts(outcome: Any) -> dict[str, tuple[str, str, str]]:
    return {each["name"]: (each["state"], each["said"], each["remedy"]) for each in json.loads(outcome.out)}


def listing(*names: str) -> Script:
    body = json.dumps({"object": "list", "data": [{"id": name} for name in names]}).encode()
    return Script(200, {"content-type": "application/json"}, (body,))


@pytest.fixture
def models(gateway: LocalGateway, monkeypatch: pytest.MonkeyPatch) -> list[Script]:
    """What the service answers to `GET /v1/models`."""
    answers: list[Script] = []
    served = application(gateway)
    arrived = served._arrived

    def spy(record: Any, method: str) -> Script | None:
        return answers.pop(0) if method == "GET" and answers else arrived(record, method)

    monkeypatch.setattr(served, "_arrived", spy)
    return answers


MODEL = "qwen3.5-omni-plus-all"
LISTED: dict[str, tuple[Script, int, str, str, str, str]] = {
    "all is well": (listing(MODEL, "x"), 0, "model", "ok", "open to this key", ""),
    "another model": (listing("qwen3-omni-flash-all"), 0, "model", "note", "not among the 1", "qwen3-omni-flash-all"),
    "no list": (scripts.ERRORS["404_url"](), 0, "service", "ok", "lists no models", ""),
    "a wrong key": (
        scripts.ERRORS["401_invalid_token"](),
        1,
        "pairing",
        "wrong",
        "doesn't know this key",
        "check the key",
    ),
    "a login page": (Script(200, {}, (b"<html>Sign in</html>",)), 1, "service", "wrong", "no list", "a login page"),
    "an overloaded service": (scripts.ERRORS["429"](), 1, "service", "wrong", "429", "later"),
}


@pytest.mark.parametrize(("answer", "status", "name", "state", "said", "remedy"), LISTED.values(), ids=LISTED)
def test_the_pairing_costs_nothing_to_check(
    answer: Script, status: int, name: str, state: str, said: str, remedy: str, models: list[Script], shell: Shell
) -> None:
    models.append(answer)
    outcome = shell("doctor", "--json")
    assert outcome.status == status, outcome
    found = facts(outcome)
    assert found[name][0] == state
    assert said in found[name][1]
    assert remedy in found[name][2]
    assert ("call" in found) == (status == 0)


ENVIRONMENTS: dict[str, tuple[dict[str, str], str, str]] = {
    "no key": ({"DMXAPI_API_KEY": ""}, "WRONG key: ", "there is no API key"),
    "a key with its scheme": ({"DMXAPI_API_KEY": "Bearer sk-local"}, "WRONG key: ", "begins with 'Bearer'"),
    "no /v1": ({"DMXAPI_BASE_URL": "http://127.0.0.1:9"}, "note  host: ", "doesn't end in /v1"),
    "nobody there": ({"DMXAPI_BASE_URL": "http://127.0.0.1:9/v1"}, "WRONG service: ", "can't reach"),
    "no address": ({"DMXAPI_BASE_URL": "www.dmxapi.cn/v1"}, "WRONG host: ", "is no address"),
    "no certificates": ({"SSL_CERT_FILE": "nowhere.pem"}, "WRONG certificates: ", "nowhere.pem can't be used"),
    "a proxy": (
        {"DMXAPI_BASE_URL": "https://localhost.example/v1", "HTTPS_PROXY": "http://u:secret@127.0.0.1:9"},
        "note  proxy: ",
        "through http://127.0.0.1:9",
    ),
}


@pytest.mark.parametrize(("changes", "start", "said"), ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_what_is_wrong_is_named(
    changes: dict[str, str], start: str, said: str, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(variable, raising=False)
    for variable, value in changes.items():
        monkeypatch.setenv(variable, value)
    outcome = shell("doctor")
    assert outcome.status == 1
    assert said in next(line for line in outcome.out.splitlines() if line.startswith(start))
    assert "secret" not in outcome.out


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals of this kind")
def test_on_a_terminal_a_line_wraps_beside_its_sign(gateway: LocalGateway) -> None:
    changes = {"DMXAPI_API_KEY": "sk-wrong", "COLUMNS": "60", "TERM": "xterm", "NO_COLOR": ""}
    status, screen = in_terminal("doctor", env=environment(gateway, **changes))
    assert status == 1
    assert "\x1b[1;31mWRONG\x1b[0m pairing: " in screen
    lines = re.sub(r"\x1b\[[\d;]*m", "", screen).splitlines()
    assert max(map(len, lines)) <= 60
    assert {line[:6] for line in lines} == {"ok    ", "WRONG ", "      "}


def test_a_call_that_fails(shell: Shell, gateway: LocalGateway) -> None:
    gateway.play(scripts.ERRORS["403_quota"]())
    outcome = shell("doctor")
    assert outcome.status == 1
    assert "WRONG call: the service answered 403 (insufficient_user_quota)" in outcome.out
    assert shell("doctor", "--no-call").status == 0


# --- doctor --wire ----------------------------------------------------------------------------------------------------


def relaxed(request: Request) -> Answer | Script:
    """A service that takes everything, and streams speech."""
    usage = {
        **scripts.DEFAULT_USAGE,
        "input_tokens": 12 + 53 * sum(len(each.data or b"") // 32_000 for each in request.media),
    }
    if request.body.get("temperature") == 9:
        return scripts.error(400, "temperature must be below 2")
    if request.voice:
        said = "BANANA" if request.system else "Hello."
        return scripts.sse(
            scripts.spoken(said, bytes(48_000), "deltas_raw", usage=usage), event_lines=False, done=False
        )
    if request.tools and not request.tool_results:
        return scripts.sse(scripts.called(scripts.Call("weather", {"city": "Paris"}), deltas=False))
    if request.body.get("stop"):
        return Answer("One two three four five six")
    return Answer('{"city": "Paris"}', usage=usage)


def strict(request: Request) -> Answer | Script:
    """A service that refuses what its pages don't promise, and tells no usage."""
    for name in ("tools", "response_format", "temperature", "top_p", "presence_penalty", "seed", "max_output_tokens"):
        if name in request.body:
            return scripts.error(500, f"{name} is not supported", code="invalid_request")
    if request.voice:
        shape = "repeated_in_completed" if request.body["audio"]["format"] == "wav" else "broken_lengths"
        return scripts.sse(scripts.spoken("Hello.", bytes(48_000), shape, usage=None), newline=b"\r\n", pings=1)
    return scripts.sse(scripts.answer("Red.", usage=None))


READINGS: dict[str, tuple[dict[str, Any], int, dict[str, str], dict[str, str]]] = {
    "as the pages say": (
        {},
        _rules.MAX_DATA_URI_BYTES,
        {
            "stream": "line ends: LF; each event has an `event:` line; a blank line ends each event; no comments; `[DO",
            "speech": "in 1 item; it has a RIFF header of 24,000 Hz, its lengths are right",
            "speech_mp3": "the format is passed over: WAV comes back",
            "system_with_speech": "refused (400: System messages are not supported",
            "option_temperature": "an impossible value is answered",
            "option_enable_thinking": "an impossible value is refused (400",
            "max_output_tokens": "4 words were answered: the bound is kept; it ends with response.incomplete",
            "stop": "not settled, it didn't count that far",
            "tools": 'called weather({"city":"Paris"}); arguments whole in the item, with deltas',
            "tools_required": "refused (400",
            "tools_result": "taken, and heeded",
            "json_object": "taken, and kept to",
            "json_schema": "refused (400",
            "fps": "an impossible value is refused (400",
            "max_pixels": "an impossible value is refused (400",
            "unknown_voice": "HTTP 200 and nothing in it (0 bytes)",
            "voice_cherry": "no: HTTP 200 and nothing in it",
            "sound_usage": "7.0 a second: raw tokens",
            "inline_limit": "data URLs of 10,400,000 bytes are taken, and of 11,400,000 refused",
            "request_limit": "two of 10,400,000 bytes are taken",
            "retry_after": "not settled, since it never was busy",
        },
        {
            "not what the pages say": "nothing",
            "still open": "stop, retry_after",
        },
    ),
    "system messages are passed over": (
        {"system_with_audio": True},
        _rules.MAX_DATA_URI_BYTES,
        {"system_with_speech": 'taken, and not heeded: it says "This is a simulated'},
        {"not what the pages say": "system_with_speech", "still open": "stop, retry_after"},
    ),
    "relaxed": (
        {"answer": relaxed, "json_schema": True, "tool_choice_required": True, "system_with_audio": True},
        14_000_000,
        {
            "stream": "usage on response.completed",
            "speech": "no header: raw samples, read as 24,000 Hz mono; 1.00 s; 6 output tokens",
            "speech_mp3": "neither WAV nor MP3",
            "system_with_speech": "taken, and heeded",
            "option_temperature": "an impossible value is refused (400: temperature must be below 2)",
            "option_top_p": "an impossible value is answered",
            "tools_required": 'called weather({"city":"Paris"}); arguments whole in the item, without deltas',
            "stop": "the answer ends before it; it ends with response.completed",
            "tools_result": "taken, and not heeded",
            "json_schema": "taken, and kept to",
            "sound_usage": "53.0 a second: weighted by price",
            "inline_limit": "data URLs of 13,000,000 bytes are taken, and of 14,000,000 refused",
        },
        {
            "not what the pages say": "speech, system_with_speech, tools_required, json_schema, inline_limit",
            "still open": "retry_after",
        },
    ),
    "strict": (
        {"answer": strict},
        5_000_000,
        {
            "stream": "no usage",
            "speech": "in 1 item, once more in the last event; it has a RIFF header",
            "speech_mp3": "the format is passed over: WAV comes back",
            "tools": "refused (500: tools is not supported)",
            "json_object": "refused (500: response_format is not supported)",
            "max_output_tokens": "refused (500",
            "sound_usage": "no usage to read it from",
            "inline_limit": "data URLs of 10,400,000 bytes are refused",
            "request_limit": "not settled",
        },
        {
            "not what the pages say": "speech, tools_named, json_object, inline_limit",
            "still open": "stop, sound_usage, request_limit, retry_after",
        },
    ),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("options", "limit", "expected", "short"), READINGS.values(), ids=READINGS)
def test_the_wire_is_read_and_played_back(
    options: dict[str, Any],
    limit: int,
    expected: dict[str, str],
    short: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_rules, "MAX_DATA_URI_BYTES", limit)
    folder = tmp_path / "wire"
    with LocalGateway(api_key="sk-very-secret-key", **options) as gateway:
        monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
        monkeypatch.setenv("DMXAPI_BASE_URL", gateway.base_url)
        assert main(["doctor", "--wire", str(folder), "--yes"]) == 0
        out, err = capsys.readouterr()
        assert len(gateway.requests) <= 40
    assert out == f"{folder / 'report.md'}\n"
    said = dict(line.split(": ", 1) for line in err.splitlines() if not line.startswith(str(len(PROBES) - 1)))
    assert list(said) == [probe.name for probe in PROBES]
    assert {name: text for name, text in expected.items() if text not in said[name]} == {}, json.dumps(said, indent=1)
    page = (folder / "report.md").read_text("utf-8")
    assert all(f"## {probe.question}\n\n{said[probe.name]}\n" in page for probe in PROBES)
    summary = dict(line[2:].split(": ", 1) for line in page.splitlines() if line.startswith("- "))
    assert {verdict: summary[verdict] for verdict in short} == short
    kept = "".join(path.read_text("utf-8") for path in folder.iterdir())
    assert "sk-very" not in kept
    assert len(kept) < 400_000
    # The service as it was, without it.
    with LocalGateway(replay=folder) as gateway:
        llm = ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, max_retries=0)
        assert llm.invoke("Whatever?").text
        speech = Speech.from_message(llm.invoke("Whatever?", voice="Tina"))
        (seconds,) = re.findall(r"; ([\d.]+) s\b", said["speech"])
        assert speech.duration == pytest.approx(float(seconds), abs=0.01)
        record = json.loads((folder / "tools.json").read_text("utf-8"))
        tools = [{"name": "weather", "description": "d", "parameters": {"type": "object", "properties": {}}}]
        if record["status"] == 200:
            asked: list[BaseMessage] = [HumanMessage("Whatever?")]
            called = llm.bind_tools(tools).invoke(asked)
            assert called.tool_calls[0]["name"] == "weather"
            result = ToolMessage("Hail.", tool_call_id=called.tool_calls[0]["id"])
            assert llm.bind_tools(tools).invoke([*asked, called, result]).text
        else:
            with pytest.raises(ValueError, match="tools is not supported"):
                llm.bind_tools(tools).invoke("Whatever?")


def test_speech_is_kept_by_its_length_and_header(tmp_path: Path, shell: Shell, gateway: LocalGateway) -> None:
    pcm = bytes(range(256)) * 100
    gateway.play(scripts.sse(scripts.answer()), scripts.sse(scripts.spoken("Hello.", pcm)))
    assert shell("doctor", "--wire", "wire", "--yes").status == 0
    kept = json.loads(Path("wire/speech.json").read_text("utf-8"))
    events = [line["data"] for line in kept["lines"] if isinstance(line, dict)]
    (part,) = [event["item"]["content"][1] for event in events if event["type"] == "response.output_item.done"]
    assert part["audio"]["data"] == {"$sound": 44 + len(pcm), "head": scripts.wav(pcm)[:44].hex()}
    with LocalGateway(replay="wire") as again:
        llm = ChatDMXOmni(base_url=again.base_url, api_key=again.api_key, voice="Tina")
        (block,) = [each for each in llm.invoke("Hello").content if isinstance(each, dict) and each["type"] == "audio"]
        assert b64decode(block["base64"]) == scripts.wav(bytes(len(pcm)))


def test_nobody_pays_unasked(shell: Shell, gateway: LocalGateway) -> None:
    for stdin, status in ((b"n\n", 1), (b"", 1)):
        outcome = shell("doctor", "--wire", "wire", stdin=stdin)
        assert outcome.status == status
        assert "28 questions to qwen3.5-omni-plus-all at http://127.0.0.1" in outcome.err
        assert "(an estimate)" in outcome.err
    assert gateway.requests == []


HELLO = scripts.sse(scripts.answer("Hello."))
BUSY = scripts.error(429, "busy", headers={"retry-after": "0.1"})
ENDS: dict[str, tuple[list[Script], int, str, str]] = {
    "a wrong key": ([scripts.ERRORS["401_invalid_token"]()], 1, "the service answered 401: Invalid token", ""),
    "nothing for a plain question": (
        [scripts.error(404, "no such model")],
        1,
        "the service answered 404: no such model",
        "",
    ),
    "no money in the middle": (
        [HELLO, scripts.ERRORS["403_quota"]()],
        2,
        "the service answered 403 (insufficient_user_quota)",
        "- not what the pages say: nothing\n- as the pages say: stream\n",
    ),
}


@pytest.mark.parametrize(("answers", "calls", "said", "page"), ENDS.values(), ids=ENDS)
def test_what_ends_it_and_what_is_kept_then(
    answers: list[Script], calls: int, said: str, page: str, shell: Shell, gateway: LocalGateway
) -> None:
    gateway.play(*answers)
    outcome = shell("doctor", "--wire", "wire", "--yes")
    assert (outcome.status, outcome.out, len(gateway.requests)) == (1, "", calls), outcome
    assert f"error: {said}" in outcome.err
    report = Path("wire/report.md")
    assert page in (report.read_text("utf-8") if report.exists() else "")
    assert report.exists() == bool(page)


BUSY_TIMES: dict[str, tuple[list[Script], str, str, str]] = {
    "once": (
        [HELLO, BUSY, scripts.sse(scripts.spoken("Hello.", bytes(48_000)))],
        "speech",
        "in 1 item; ",
        "429 with 0.1",
    ),
    "each time": (
        [HELLO, *[BUSY] * 3],
        "speech",
        "no speech: not settled, the service failed each time (429: busy)",
        "429 with 0.1",
    ),
    "without a word": (
        [HELLO, scripts.error(500, "oops")],
        "speech",
        "in 1 item; ",
        "500 without",
    ),
}


@pytest.mark.parametrize(("answers", "name", "said", "waits"), BUSY_TIMES.values(), ids=BUSY_TIMES)
def test_a_busy_service_refuses_nothing(
    answers: list[Script], name: str, said: str, waits: str, shell: Shell, gateway: LocalGateway
) -> None:
    gateway.play(*answers)
    outcome = shell("doctor", "--wire", "wire", "--yes")
    lines = dict(line.split(": ", 1) for line in outcome.err.splitlines() if ": " in line)
    assert lines[name].startswith(said), outcome
    assert lines["retry_after"] == waits


def test_records_of_an_earlier_run_go(shell: Shell) -> None:
    Path("wire").mkdir()
    Path("wire/mine.json").write_text('{"mine": 1}')
    Path("wire/inline_limit_1.json").write_text('{"probe": "inline_limit"}')
    Path("wire/broken.json").write_text("{")
    assert shell("doctor", "--wire", "wire", "--yes").status == 0
    assert not Path("wire/inline_limit_1.json").exists()
    assert Path("wire/mine.json").exists()
    assert Path("wire/broken.json").exists()
    Path("wire/broken.json").unlink()


def test_what_is_not_recorded_gets_the_likeliest_answer(shell: Shell, gateway: LocalGateway) -> None:
    aborts = [scripts.ARRIVALS["aborts_at_once"]() for _ in range(3)]
    gateway.play(HELLO, scripts.sse(scripts.spoken("Spoken.", bytes(4800))), *aborts)
    outcome = shell("doctor", "--wire", "wire", "--yes")
    assert outcome.status == 0, outcome
    assert "speech_mp3: not settled, the service failed each time (" in outcome.err
    with LocalGateway(replay="wire") as again:
        llm = ChatDMXOmni(base_url=again.base_url, api_key=again.api_key, max_retries=0)
        picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
        answer = llm.invoke([("human", [picture, {"type": "text", "text": "Which colour?"}])], voice="Tina")
        assert (answer.text, Speech.from_message(answer).duration) == ("Spoken.", 0.1)
        with pytest.raises(ValueError, match="not supported with audio"):
            ChatDMXOmni(
                base_url=again.base_url, api_key=again.api_key, voice="Tina", system_with_audio="send", max_retries=0
            ).invoke([("system", "Be kind."), ("human", "Hello!")])


def test_a_key_may_belong_to_another_host(models: list[Script], shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_checks, "_SISTERS", ("127.0.0.1", "127.0.0.1:9"))
    models.append(scripts.ERRORS["401_invalid_token"]())
    outcome = shell("doctor")
    assert outcome.status == 1
    assert "none of the service's hosts knows it" in outcome.out


def test_a_folder_without_records(shell: Shell) -> None:
    outcome = shell("serve", "--replay", ".", "--port", "0")
    assert (outcome.status, outcome.out) == (2, "")
    with pytest.raises(ValueError, match="no answers are recorded in it"):
        LocalGateway(replay=".")
