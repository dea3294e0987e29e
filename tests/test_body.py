"""The body: exact bytes with a length known beforehand, whatever is in it, and memory that does not grow."""

# ruff: noqa: E501  # a table has one case a line

from __future__ import annotations

import asyncio
import datetime
import json
import math
import os
import secrets
import threading
import tracemalloc
from base64 import b64encode, encodebytes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import HumanMessage

from langchain_dmx_omni._media.base64_text import clean_base64
from langchain_dmx_omni._media.data import FileData, InlineData
from langchain_dmx_omni._request.body import Body
from langchain_dmx_omni._request.options import Options
from langchain_dmx_omni._request.payload import build
from langchain_dmx_omni.errors import InvalidInputError

PIECE = 196_608


def file_of(path: Path, data: bytes) -> FileData:
    path.write_bytes(data)
    return FileData(path, path.stat())


def url(data: bytes, prefix: str = "data:;base64,") -> str:
    return prefix + b64encode(data).decode()


async def gathered(body: Body) -> list[bytes]:
    return [piece async for piece in body]


# JSON


@pytest.mark.parametrize(
    ("payload", "written"),
    [
        ({}, b"{}"),
        ({"a": "é中😀", "b": [1, 2.5, True, None], "c": {"d": []}}, '{"a":"é中😀","b":[1,2.5,true,null],"c":{"d":[]}}'.encode()),
        ({"a": 'quote " back \\ line \n tab \t nul \0 sep \u2028'}, '{"a":"quote \\" back \\\\ line \\n tab \\t nul \\u0000 sep \u2028"}'.encode()),
        ({"a": "\ud800"}, b'{"a":"\\ud800"}'),
        ({"a": "é\udfff中"}, b'{"a":"\xc3\xa9\\udfff\xe4\xb8\xad"}'),
        ({"\ud83d": "\\ud800"}, b'{"\\ud83d":"\\\\ud800"}'),
        ({"a": (1, (2,))}, b'{"a":[1,[2]]}'),
        ({"a": {1: 2, None: 3}}, b'{"a":{"1":2,"null":3}}'),
    ],
)  # fmt: skip
async def test_a_body_is_compact_json_in_utf_8(payload: dict[str, Any], written: bytes) -> None:
    body = Body(payload)
    assert b"".join(body) == written == b"".join(await gathered(body))
    assert len(body) == len(written)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
              st.text(st.characters())),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(st.characters()), inner)),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.text(), JSON))
def test_what_goes_in_is_what_json_gives_back(payload: dict[str, Any]) -> None:
    body = Body(payload)
    written = b"".join(body)
    assert json.loads(written) == payload
    assert len(body) == len(written)


def ring() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["me"] = value
    return value


def deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"a": value}
    return value


REFUSED: dict[str, tuple[Callable[[], dict[Any, Any]], str]] = {
    "a date": (lambda: {"search_options": {"since": datetime.date(2026, 1, 1)}}, "search_options.since is a date"),
    "bytes": (lambda: {"a": [1, {"b": b"secret"}]}, "a[1].b is a bytes"),
    "a set": (lambda: {"a": {1}}, "a is a set"),
    "not a number": (lambda: {"temperature": math.nan}, "temperature is nan"),
    "infinity": (lambda: {"a": ("b", -math.inf)}, "a[1] is -inf"),
    "a key": (lambda: {"a": {("b", 1): 2}}, "a has a key that is a tuple"),
    "a key of the request": (lambda: {b"a": 1}, "it has a key that is a bytes"),
    "a class": (lambda: {"response_format": InvalidInputError}, "response_format is a type"),
    "itself": (ring, "it is nested too deeply, or holds itself"),
    "a well without a ground": (deep, "it is nested too deeply, or holds itself"),
    "a number without an end": (lambda: {"seed": 10**5000},
                                "Exceeds the limit (4300 digits) for integer string conversion; "
                                "use sys.set_int_max_str_digits() to increase the limit"),
}  # fmt: skip


@pytest.mark.parametrize(("payload", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_json_is_named_and_not_shown(payload: Callable[[], dict[str, Any]], told: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        Body(payload())
    assert str(caught.value) == f"the request can't be written as JSON: {told}"


def test_culprits_come_after_what_is_right() -> None:
    with pytest.raises(InvalidInputError, match=r"JSON: b\.c is a set$"):
        Body({"a": InlineData("AAAA"), "b": {"a": [1, None, "x", True, 2.5, ()], "c": set()}})


# Media


async def test_media_stands_in_its_place_in_its_order(tmp_path: Path) -> None:
    file = file_of(tmp_path / "a", b"file")
    shared = InlineData("AAAA")
    body = Body({"x": [InlineData("iVBO", prefix="data:image/png;base64,"), "é", file, shared], "y": shared, "z": 1})
    expected = (
        f'{{"x":["data:image/png;base64,iVBO","é","{url(b"file")}","data:;base64,AAAA"],"y":"data:;base64,AAAA","z":1}}'
    )
    assert b"".join(body).decode() == b"".join(await gathered(body)).decode() == expected
    assert len(body) == len(expected.encode())


def test_text_like_the_marker_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    # What a body uses for a marker can't be known beforehand: the last body's marker is nothing to the next.
    seen: list[str] = []
    make = secrets.token_hex
    monkeypatch.setattr(secrets, "token_hex", lambda size: seen.append(make(size)) or seen[-1])
    Body({"a": InlineData("AAAA")})
    Body({"a": InlineData("AAAA")})
    assert len(set(seen)) == 2
    assert [len(mark) for mark in seen] == [32, 32]
    payload = {"a": f'{seen[0]} "{seen[1]}"', seen[0]: "InlineData", "b": InlineData("AAAA")}
    assert json.loads(b"".join(Body(payload))) == {**payload, "b": "data:;base64,AAAA"}


SIZES = [1, 2, 3, 4, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 2, 1_000_000]


@pytest.mark.parametrize("size", SIZES)
async def test_every_size_has_its_length_and_its_padding(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    for media in (file_of(tmp_path / "a", data), InlineData(b64encode(data).decode()), InlineData(url(data), 13)):
        expected = url(data).encode()
        assert b"".join(media.pieces()) == expected
        assert b"".join([piece async for piece in media.apieces()]) == expected
        assert len(media) == len(expected)
        assert max(map(len, media.pieces())) <= PIECE * 4 // 3
        assert media.head(64) == data[:64]


async def test_a_body_goes_out_twice_the_same(tmp_path: Path) -> None:
    data = os.urandom(500_000)
    body = Body({"a": file_of(tmp_path / "a", data), "b": InlineData(b64encode(data).decode())})
    expected = f'{{"a":"{url(data)}","b":"{url(data)}"}}'.encode()
    for _ in range(2):
        assert b"".join(body) == expected
        assert b"".join(await gathered(body)) == expected
    assert len(body) == len(expected)


async def test_a_body_left_half_way_begins_anew(tmp_path: Path) -> None:
    data = os.urandom(500_000)
    body = Body({"a": file_of(tmp_path / "a", data)})
    for number, _ in enumerate(body):
        if number == 2:
            break
    pieces = aiter(body)
    for _ in range(3):
        await anext(pieces)
    await pieces.aclose()  # type: ignore[attr-defined]
    assert b"".join(body) == f'{{"a":"{url(data)}"}}'.encode()


async def test_files_are_read_outside_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = Body({"a": file_of(tmp_path / "a", os.urandom(PIECE + 1))})
    threads: set[int] = set()
    read, opened = FileData._read, FileData._open
    monkeypatch.setattr(FileData, "_open", lambda *given: threads.add(threading.get_ident()) or opened(*given))
    monkeypatch.setattr(FileData, "_read", lambda *given: threads.add(threading.get_ident()) or read(*given))
    await gathered(body)
    assert threads
    assert threading.get_ident() not in threads


async def test_the_event_loop_runs_while_a_slow_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = Body({"a": file_of(tmp_path / "a", os.urandom(10))})
    ticked = threading.Event()
    read = FileData._read

    def slow(self: FileData, *given: Any) -> bytes:
        assert ticked.wait(10), "the event loop stood still"
        return read(self, *given)

    monkeypatch.setattr(FileData, "_read", slow)

    async def tick() -> None:
        await asyncio.sleep(0)
        ticked.set()

    await asyncio.gather(gathered(body), tick())


# A file that changes


def shrink(path: Path) -> None:
    os.truncate(path, 5)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def empty(path: Path) -> None:
    os.truncate(path, 0)


def replace(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.replace(path)


def swap_for_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def swap_for_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


CHANGED = "the file a.mp4 changed while it was being sent; send it again"
CHANGES: list[tuple[Callable[[Path], None], str]] = [
    (shrink, CHANGED),
    (grow, CHANGED),
    (empty, CHANGED),
    (replace, CHANGED),
    (Path.unlink, "the file a.mp4 can't be read any more: No such file or directory"),
    (swap_for_a_folder, "the file a.mp4 can't be read any more: Is a directory"),
    (swap_for_a_pipe, "the file a.mp4 can't be read any more: it is no regular file"),
]


@pytest.mark.parametrize(("change", "told"), CHANGES, ids=[change.__name__ for change, _ in CHANGES])
async def test_a_file_that_changed_before_sending_is_told(
    tmp_path: Path, change: Callable[[Path], None], told: str
) -> None:
    body = Body({"a": file_of(tmp_path / "a.mp4", os.urandom(1000))})
    change(tmp_path / "a.mp4")
    with pytest.raises(InvalidInputError) as caught:
        list(body)
    assert str(caught.value) == told
    with pytest.raises(InvalidInputError) as caught:
        await gathered(body)
    assert str(caught.value) == told


@pytest.mark.parametrize("change", [shrink, grow, empty])
def test_a_file_that_changes_while_it_is_sent_is_told(tmp_path: Path, change: Callable[[Path], None]) -> None:
    body = Body({"a": file_of(tmp_path / "a.mp4", os.urandom(3 * PIECE))})
    pieces = iter(body)
    for _ in range(3):
        next(pieces)
    change(tmp_path / "a.mp4")
    with pytest.raises(InvalidInputError) as caught:
        list(pieces)
    assert str(caught.value) == CHANGED


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_disk_that_fails_is_told(tmp_path: Path) -> None:
    file_of(tmp_path / "a", b"0123456789")
    # Reading a process's memory at address 0 fails as a broken disk does.
    body = Body({"a": FileData(Path("/proc/self/mem"), (tmp_path / "a").stat())})
    with pytest.raises(InvalidInputError) as caught:
        list(body)
    assert str(caught.value) == "the file mem can't be read any more: Input/output error"


# Memory


def peak(run: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def drain(body: Body) -> None:
    for _ in body:
        pass


def test_memory_stays_flat_with_a_large_file(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(50_000_000)
    body = Body({"a": FileData(tmp_path / "a", (tmp_path / "a").stat())})
    assert peak(lambda: drain(body)) < 1_000_000
    assert peak(lambda: asyncio.run(gathered_lengths(body))) < 2_000_000


async def gathered_lengths(body: Body) -> int:
    return sum([len(piece) async for piece in body])


@pytest.mark.parametrize(
    "block",
    [
        lambda data: {"type": "video", "base64": data, "mime_type": "video/mp4"},
        lambda data: {"type": "video_url", "video_url": {"url": f"data:video/mp4;base64,{data}"}},
        lambda data: {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
    ],
    ids=["base64", "data url", "input_audio"],
)
def test_inline_base64_is_not_copied(block: Callable[[str], Any]) -> None:
    messages = [HumanMessage([block("AAAA" * 2_000_000)])]
    assert peak(lambda: drain(build(messages, Options()))) < 1_500_000


# Base64


@pytest.mark.parametrize(
    ("text", "start", "cleaned"),
    [
        ("QUJD", 0, ("QUJD", 0)),
        ("data:;base64,QUI=", 13, ("data:;base64,QUI=", 13)),
        ("QUI", 0, ("QUI=", 0)),
        ("QQ", 0, ("QQ==", 0)),
        ("data:,QQ", 6, ("QQ==", 0)),
        ("-_-_", 0, ("+/+/", 0)),
        (" QU\r\nJD\t\f\v", 0, ("QUJD", 0)),
        (encodebytes(bytes(100)).decode(), 0, (b64encode(bytes(100)).decode(), 0)),
    ],
)
def test_base64_becomes_what_the_service_takes(text: str, start: int, cleaned: tuple[str, int]) -> None:
    assert clean_base64(text, start) == cleaned


def test_clean_base64_is_not_copied() -> None:
    text = "data:;base64," + "QUJD" * 1000
    assert clean_base64(text, 13)[0] is text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("=", "it is not base64 (its length or its padding is wrong)"),
        ("====", "it is not base64 (its length or its padding is wrong)"),
        ("QUJDR", "it is not base64 (its length or its padding is wrong)"),
        ("QQ==QQ==", "it is not base64 (its length or its padding is wrong)"),
        ("Q=Q=", "it is not base64 (its length or its padding is wrong)"),
        ("A" * (PIECE - 1) + "=AAAA", "it is not base64 (its length or its padding is wrong)"),
        ("A" * PIECE + "AAA*", f"it is not base64 ('*' at character {PIECE + 4})"),
        ("QU\nJ%3D", "it is not base64 ('%' at character 5)"),
        ("QUJÄ", "it is not base64 ('Ä' at character 4)"),
        ("QUJ\ud800", "it is not base64 ('\\ud800' at character 4)"),
        ("QUJ\0", "it is not base64 ('\\x00' at character 4)"),
    ],
)
def test_what_is_no_base64_is_told_with_its_place(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^it is") as caught:
        clean_base64(f"data:,{text}", 6)
    assert str(caught.value) == told
