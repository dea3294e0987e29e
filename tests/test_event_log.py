"""The event log: a file for each call, with everything that arrived but the media and the key."""

from __future__ import annotations

import json
import os
import stat
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from langchain_dmx_omni import errors
from langchain_dmx_omni._event_log import EventLog
from langchain_dmx_omni._secrets import Secrets
from langchain_dmx_omni._sse import ServerSentEvent
from langchain_dmx_omni.errors import DMXOmniWarning
from langchain_dmx_omni.testing import LocalGateway
from langchain_dmx_omni.testing.scripts import ARRIVALS, ERRORS, PCM, SPEECH_SHAPES, TEXT, answer, error, spoken, sse

from .calls import WAYS, call, model, plain

KEY = "sk-secret-0123456789"
LONG = b64encode(PCM).decode()


def entries(folder: Path) -> list[list[dict[str, Any]]]:
    """The lines of each file, oldest file first."""
    return [[json.loads(line) for line in path.read_text("utf-8").splitlines()] for path in sorted(folder.iterdir())]


@pytest.mark.parametrize("way", WAYS)
def test_each_call_has_its_file(gateway: LocalGateway, way: str, tmp_path: Path) -> None:
    gateway.play(plain(), plain("Again."))
    folder = tmp_path / "made" / "when needed"
    llm = model(gateway, event_log=str(folder))
    assert not folder.exists()
    call(llm, way)
    call(llm, way)
    first, second = entries(folder)
    types = [event["type"] for event in answer()]
    assert [entry["event"] for entry in first] == [*types, ""][: len(first)]
    assert [entry["data"] for entry in first][: len(types)] == answer()
    assert [entry["data"] for entry in second][: len(answer("Again."))] == answer("Again.")
    assert [entry["at"] for entry in first] == sorted(entry["at"] for entry in first)
    assert all(path.suffix == ".jsonl" for path in folder.iterdir())


@pytest.mark.parametrize("way", WAYS)
def test_a_call_that_is_tried_again_stays_in_one_file(gateway: LocalGateway, way: str, tmp_path: Path) -> None:
    gateway.play(replace(ERRORS["429"](), headers={"retry-after": "0"}), plain())
    call(model(gateway, event_log=tmp_path, max_retries=1), way)
    (lines,) = entries(tmp_path)
    assert lines[0]["error"].startswith("RateLimitError: the service answered 429: ")
    assert [line["event"] for line in lines[1:3]] == ["response.created", "response.in_progress"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("name", "last", "told"),
    [
        (
            "error_event_flat",
            {"type": "error", "code": "server_error"},
            "ServerError: the service broke off",
        ),
        ("failed", {"type": "response.failed"}, "ServerError: the service broke off"),
        (
            "closes_early",
            {"type": "response.output_text.delta"},
            "StreamInterruptedError: the connection closed",
        ),
        ("closes_mid_event", None, "StreamInterruptedError: the connection closed"),
    ],
)
def test_streams_that_fail_are_logged(
    gateway: LocalGateway, way: str, name: str, last: dict[str, Any] | None, told: str, tmp_path: Path
) -> None:
    gateway.play(ARRIVALS[name]())
    with pytest.raises(errors.DMXOmniError):
        call(model(gateway, event_log=tmp_path), way)
    (lines,) = entries(tmp_path)
    assert lines[-1]["error"].startswith(told)
    if last is not None:
        # `[DONE]` is there as well where it came together with the failure.
        events = [line["data"] for line in lines[:-1] if line["data"] != "[DONE]"]
        assert last.items() <= events[-1].items()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SPEECH_SHAPES)
def test_no_media(gateway: LocalGateway, way: str, shape: str, tmp_path: Path) -> None:
    gateway.play(sse(spoken(TEXT, PCM, shape)))
    call(model(gateway, voice="Tina", event_log=tmp_path), way)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_size < 10_000
    assert " characters>" in path.read_text("utf-8")
    assert TEXT in path.read_text("utf-8")


@pytest.mark.parametrize(
    ("data", "logged"),
    [
        (b'{"type":"response.output_audio.delta","delta":"AAAA"}', {"delta": "<4 characters>"}),
        (b'{"type":"response.audio.delta","delta":"AAAA"}', {"delta": "<4 characters>"}),
        (b'{"type":"response.output_text.delta","delta":"AAAA"}', {"delta": "AAAA"}),
        (b'{"type":"response.audio_transcript.delta","delta":"Hi"}', {"delta": "Hi"}),
        (b'{"type":"a","audio":{"id":"x","data":"AAAA"}}', {"audio": {"id": "x", "data": "<4 characters>"}}),
        (b'{"type":"a","data":{"data":[1]}}', {"data": {"data": [1]}}),
        (b'{"type":"a","url":"data:video/mp4;base64,AAAA"}', {"url": "data:video/mp4;base64,<4 characters>"}),
        (b'{"type":"a","message":"bad: data:;base64,AAA= !"}', {"message": "bad: data:;base64,<4 characters> !"}),
        (f'{{"type":"a","unheard_of":["{LONG}"]}}'.encode(), {"unheard_of": [f"<{len(LONG):,} characters>"]}),
    ],
)
def test_what_is_taken_for_media(tmp_path: Path, data: bytes, logged: dict[str, Any]) -> None:
    EventLog(tmp_path, Secrets(KEY)).write([ServerSentEvent("name", data)])
    ((entry,),) = entries(tmp_path)
    assert (entry["event"], entry["data"]) == ("name", {"type": json.loads(data)["type"], **logged})


@pytest.mark.parametrize(
    ("data", "logged"),
    [
        (b"[DONE]", "[DONE]"),
        (b'{"cut": "off', '{"cut": "off'),
        (f'{{"cut": "{LONG}'.encode(), f'{{"cut": "<{len(LONG.rstrip("=")) + LONG.count("="):,} characters>'),
        (b"[" * 100_000, "[" * 100_000),
        (b'{"a":' * 900 + b"1" + b"}" * 900, '{"a":' * 900 + "1" + "}" * 900),
        (b"\xff\xfe", "��"),
        (b'{"lone": "\\ud83c"}', {"lone": "\ud83c"}),
    ],
)
def test_what_is_no_json_is_logged_as_text(tmp_path: Path, data: bytes, logged: object) -> None:
    log = EventLog(tmp_path, Secrets(KEY))
    log.write([ServerSentEvent("", data)])
    ((entry,),) = entries(tmp_path)
    assert entry["data"] == logged


@pytest.mark.parametrize("key", [KEY, 'sk-"quoted"\\back'])
def test_no_key(tmp_path: Path, key: str) -> None:
    log = EventLog(tmp_path, Secrets(key))
    log.write([ServerSentEvent("error", json.dumps({"message": f"wrong key {key}!"}).encode())])
    log.write([ServerSentEvent("", f"not JSON {key}".encode())])
    log.fail(ValueError(f"wrong key {key}!"))
    ((one, two, three),) = entries(tmp_path)
    assert one["data"] == {"message": "wrong key [key]!"}
    assert two["data"] == "not JSON [key]"
    assert three["error"] == "ValueError: wrong key [key]!"


@pytest.mark.parametrize("way", WAYS)
def test_no_key_of_a_call(gateway: LocalGateway, way: str, tmp_path: Path) -> None:
    gateway.play(error(401, f"Invalid token {KEY}"))
    with pytest.raises(errors.AuthenticationError):
        call(model(gateway, api_key=KEY, event_log=tmp_path), way)
    (path,) = tmp_path.iterdir()
    assert "Invalid token [key]" in path.read_text("utf-8")
    assert KEY not in path.read_text("utf-8")


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_only_its_owner_reads_it(gateway: LocalGateway, tmp_path: Path, mask: int) -> None:
    gateway.play(plain())
    before = os.umask(mask)
    try:
        call(model(gateway, event_log=tmp_path / "log"), "invoke")
    finally:
        os.umask(before)
    (path,) = (tmp_path / "log").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("way", WAYS)
def test_a_folder_that_cannot_be_written_loses_no_answer(gateway: LocalGateway, way: str, tmp_path: Path) -> None:
    gateway.play(plain())
    (tmp_path / "file").write_text("")
    with pytest.warns(DMXOmniWarning, match="^event_log='.*file' can't be written: ") as told:
        assert "".join(part.text for part in call(model(gateway, event_log=tmp_path / "file"), way)) == TEXT
    assert len(told) == 1
