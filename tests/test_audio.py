"""Speech on the wire → one WAV, in every form in which it arrives and cut anywhere."""

from __future__ import annotations

import base64
import io
import pickle
import struct
import time
import wave
from collections.abc import Callable
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from langchain_dmx_omni._answer.chunks import Base64Piece, join_pieces
from langchain_dmx_omni._media.base64_text import Base64Decoder
from langchain_dmx_omni._media.speech_track import SpeechTrack
from langchain_dmx_omni._media.wav import WavFormat, WavReader
from langchain_dmx_omni.errors import ProtocolError

PCM = bytes(range(256)) * 5 + b"ab"
MONO = WavFormat()


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


FMT = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 24_000, 48_000, 2, 16))
EXTENSIBLE = chunk(
    b"fmt ", struct.pack("<HHIIHHHHI", 0xFFFE, 1, 24_000, 48_000, 2, 16, 22, 16, 4) + struct.pack("<H", 1) + bytes(14)
)


def standard_wav() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setframerate(24_000)
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.writeframes(PCM)
    return file.getvalue()


PARTS: dict[str, bytes] = {
    "raw PCM": PCM,
    "plain WAV": MONO.header(len(PCM)) + PCM,
    "lengths of 0": riff(FMT, b"data" + bytes(4) + PCM, size=0),
    "lengths of 0xFFFFFFFF": MONO.header(None) + PCM,
    "a length that is too long": riff(FMT, b"data" + struct.pack("<I", 10**6) + PCM),
    "a length that is too short": riff(FMT, b"data" + struct.pack("<I", 100) + PCM),
    "chunks before the samples": riff(chunk(b"LIST", b"INFOxyz"), FMT, chunk(b"fact", bytes(4)), chunk(b"data", PCM)),
    "chunks behind the samples": riff(FMT, chunk(b"data", PCM), chunk(b"LIST", b"INFO by a tool")),
    "the standard library's": standard_wav(),
    "extensible": riff(EXTENSIBLE, chunk(b"data", PCM)),
    "no format chunk": riff(chunk(b"data", PCM)),
}


def read(part: bytes, size: int) -> bytes:
    reader = WavReader()
    found = [reader.feed(part[at : at + size]) for at in range(0, len(part), size)]
    return b"".join([*found, reader.close()])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 44, 45, 100, 10**6])
@pytest.mark.parametrize("name", PARTS)
def test_samples_are_found_however_the_part_is_cut(name: str, size: int) -> None:
    assert read(PARTS[name], size) == PCM


@pytest.mark.parametrize("name", PARTS)
def test_a_track_is_one_wav(name: str) -> None:
    track = SpeechTrack()
    samples = track.feed(base64.b64encode(PARTS[name]).decode()) + track.end_part()
    assert samples == PCM
    assert track.size == len(PCM)
    assert track.format == MONO
    assert track.header(final=True) == MONO.header(len(PCM))
    assert track.header(final=False) == MONO.header(None)


def test_parts_are_put_behind_one_another() -> None:
    track = SpeechTrack()
    said = b""
    for part in PARTS.values():
        said += track.feed(base64.b64encode(part).decode()) + track.end_part()
    assert said == PCM * len(PARTS)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


FILE = MONO.header(len(PCM)) + PCM
SLICES: dict[str, tuple[list[list[bytes]], bytes]] = {
    "samples cut at an odd byte": ([[PCM[:301]], [PCM[301:]]], PCM),
    "a file cut at odd bytes": ([[FILE[:45]], [FILE[45:302]], [FILE[302:]]], PCM),
    "a file cut in its header": ([[FILE[:3]], [FILE[3:11]], [FILE[11:40]], [FILE[40:]]], PCM),
    "a file cut at every byte": ([[FILE[at : at + 1]] for at in range(len(FILE))], PCM),
    "a file of unknown length": ([[MONO.header(None) + PCM[:7]], [PCM[7:]]], PCM),
    "a file, then samples": ([[FILE], [PCM]], PCM * 2),
    "a file that ends in a comment, then samples": (
        [[riff(FMT, chunk(b"data", PCM), chunk(b"LIST", b"INFO"))], [PCM]],
        PCM * 2,
    ),
    "two files, each cut": ([[FILE[:99]], [FILE[99:]], [FILE[:101]], [FILE[101:]]], PCM * 2),
    "a file in the middle of a sample, then another": ([[PCM[:3]], [FILE]], PCM[:3] + b"\0" + PCM),
    "deltas, each a file": ([[FILE, FILE, FILE]], PCM * 3),
    "deltas, each a file of unknown length": ([[MONO.header(None) + PCM] * 2], PCM * 2),
    "a file in deltas, then another": ([[FILE[:5], FILE[5:46], FILE[46:], FILE[:50], FILE[50:]]], PCM * 2),
    "an item in deltas, its header cut": ([[FILE], [FILE[:5], FILE[5:46], FILE[46:]]], PCM * 2),
    "half a sample at the end": ([[PCM, b"\1"]], PCM + b"\1\0"),
}


@pytest.mark.parametrize(("parts", "expected"), SLICES.values(), ids=SLICES)
def test_a_part_without_a_header_continues_the_one_before(parts: list[list[bytes]], expected: bytes) -> None:
    track = SpeechTrack()
    said = b""
    for deltas in parts:
        said += b"".join(track.feed(b64(delta)) for delta in deltas) + track.end_part()
    assert said + track.end() == expected
    assert track.size == len(expected)


IMPOSSIBLE: dict[str, tuple[bytes, str]] = {
    "no rate": (WavFormat(0).header(4), "says 0 Hz, 1 channels and 16 bits"),
    "no channels": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 0, 24_000, 0, 0, 16)), b"data"), "0 channels"),
    "no bits": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 24_000, 0, 0, 0)), b"data"), "and 0 bits"),
    "a rate of 4 GHz": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 2**32 - 1, 0, 0, 16)), b"data"), "4294967295"),
    "65,535 channels": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 65_535, 8_000, 0, 0, 16)), b"data"), "65535"),
    "65,528 bits": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8_000, 0, 0, 65_528)), b"data"), "65528 bits"),
    "4 bits": (riff(chunk(b"fmt ", struct.pack("<HHIIHH", 2, 1, 8_000, 0, 0, 4)), b"data"), "4 bits"),
    "a short format": (riff(chunk(b"fmt ", b"1234"), b"data"), "has 4 bytes, and needs 16"),
    "a long header": (riff(FMT, b"LIST" + struct.pack("<I", 2**31)), "longer than 1,048,576 bytes"),
    "a header that does not end": (riff(FMT, chunk(b"LIST", bytes(9))), "does not end"),
}


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize(("data", "told"), IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_header_that_can_not_be_is_an_error(data: bytes, told: str, size: int) -> None:
    data += bytes(64) if data.endswith(b"data") else b""
    track = SpeechTrack()
    with pytest.raises(ProtocolError, match=f"the speech can't be read: its WAV header.*{told}"):
        [*(track.feed(b64(data[at : at + size])) for at in range(0, len(data), size)), track.end()]


def test_a_header_costs_no_more_than_its_length() -> None:
    many = riff(FMT, *[chunk(b"JUNK", b"12")] * 100_000)

    def seconds(size: int) -> float:
        start, reader = time.process_time(), WavReader()
        for at in range(0, size, 100):
            reader.feed(many[at : at + 100])
        return time.process_time() - start

    seconds(100_000)
    assert seconds(800_000) < 24 * seconds(100_000)


def test_a_header_sets_the_format() -> None:
    track = SpeechTrack()
    stereo = WavFormat(16_000, 2)
    track.feed(base64.b64encode(stereo.header(4) + b"\1\2\3\4").decode())
    assert track.format == stereo


def test_a_change_of_format_is_an_error() -> None:
    track = SpeechTrack()
    track.feed(base64.b64encode(MONO.header(2) + b"\1\2").decode())
    track.end_part()
    with pytest.raises(ProtocolError, match=r"changes from .*24000.* to .*16000.* midway"):
        track.feed(base64.b64encode(WavFormat(16_000).header(2) + b"\1\2").decode())


@pytest.mark.parametrize(
    ("container", "mime"), [("wav", "audio/wav"), ("pcm", "audio/wav"), ("mp3", "audio/mpeg"), ("opus", "audio/opus")]
)
def test_other_containers_are_handed_on(container: str, mime: str) -> None:
    track = SpeechTrack(container)
    data = b"ID3 not a WAV"
    said = track.feed(base64.b64encode(data).decode()) + track.end_part()
    assert track.mime_type == mime
    if mime != "audio/wav":
        assert (said, track.header(final=True)) == (data, b"")


@given(st.binary(min_size=1, max_size=60), st.lists(st.integers(1, 20)))
def test_base64_in_any_pieces(data: bytes, cuts: list[int]) -> None:
    text = base64.b64encode(data).decode()
    decoder, found, at = Base64Decoder(), b"", 0
    for cut in [*cuts, len(text)]:
        found += decoder.feed(text[at : at + cut])
        at += cut
    assert found + decoder.close() == data


@given(st.lists(st.binary(min_size=1, max_size=9)))
def test_base64_padded_piece_by_piece(pieces: list[bytes]) -> None:
    decoder = Base64Decoder()
    found = b"".join(decoder.feed(base64.b64encode(piece).decode()) for piece in pieces)
    assert found + decoder.close() == b"".join(pieces)


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("data:audio/wav;base64,AQID", b"\1\2\3"),
        ("AQ", b"\1"),
        ("AQI", b"\1\2"),
        ("", b""),
        ("AQID\nAQ==\n", b"\1\2\3\1"),
        ("AQ I\tD", b"\1\2\3"),
        (" AQID ", b"\1\2\3"),
        ("A Q", b"\1"),
        ("-_-_", b"\xfb\xff\xbf"),
        ("DATA:audio/wav;BASE64,AQID", b"\1\2\3"),
        (" \n data:;base64, AQ ID\r\n", b"\1\2\3"),
        ("A" * 64, bytes(48)),
        ("deadbeef" * 16, base64.b64decode("deadbeef" * 16)),
    ],
)
def test_base64_as_others_write_it(text: str, data: bytes) -> None:
    decoder = Base64Decoder()
    assert decoder.feed(text) + decoder.close() == data


@pytest.mark.parametrize("text", ["AQI!", "A", "AQ==AQID", "====", "AQ==AQID=AQ="])
def test_what_is_no_base64_is_an_error(text: str) -> None:
    decoder = Base64Decoder()
    with pytest.raises(ProtocolError, match="base64"):  # noqa: PT012  # either may find it
        decoder.feed(text)
        decoder.close()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PCM.hex(), "is not base64 but hex"),
        (FILE.hex().upper(), "is not base64 but hex"),
        ("https://example.com/a.wav", "is not base64 but a URL: https://example.com/a.wav"),
        (" HTTP://example.com/a.wav", "is not base64 but a URL: HTTP://example.com/a.wav"),
    ],
)
def test_what_stands_in_its_place_is_named(text: str, told: str) -> None:
    with pytest.raises(ProtocolError, match=told):
        SpeechTrack().feed(text)


WHOLE = MONO.header(None) + PCM
SEALED = MONO.header(len(PCM)) + PCM


@pytest.mark.parametrize("size", [3, 6, 45, 48, 300, 9_999])
def test_adding_pieces_writes_the_length_at_last(size: int) -> None:
    pieces = [base64.b64encode(WHOLE[at : at + size]).decode() for at in range(0, len(WHOLE), size)]
    total: str = Base64Piece(pieces[0])
    for piece in pieces[1:]:
        total = total + Base64Piece(piece)
        assert type(total) is Base64Piece  # LangChain adds strings of the same type only
    assert base64.b64decode(total) == WHOLE
    total = total + Base64Piece.final("")
    assert isinstance(total, str)
    assert base64.b64decode(total, validate=True) == SEALED


@pytest.mark.parametrize("copy", [deepcopy, lambda piece: pickle.loads(pickle.dumps(piece))])
def test_pieces_survive_copying(copy: Callable[[Base64Piece], Base64Piece]) -> None:
    first, last = (copy(piece) for piece in (Base64Piece(base64.b64encode(WHOLE[:45]).decode()), Base64Piece.final("")))
    assert base64.b64decode(first + last)[40:44] == struct.pack("<I", 1)


@pytest.mark.parametrize("data", [SEALED, b"ID3" + bytes(60), b"", WHOLE[:3], WHOLE[:44]])
def test_only_a_length_that_is_unknown_is_written(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    last = Base64Piece.final("")
    assert join_pieces([text, last]) == (text if data != WHOLE[:44] else base64.b64encode(MONO.header(0)).decode())


CANONICAL = base64.b64encode(SEALED).decode()


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        (CANONICAL, True),
        (base64.b64encode(WavFormat(16_000, 2).header(8) + bytes(8)).decode(), True),
        (base64.b64encode(WHOLE).decode(), False),  # its length is unknown
        (base64.b64encode(PARTS["chunks before the samples"]).decode(), False),
        (base64.b64encode(PARTS["chunks behind the samples"]).decode(), False),
        (base64.b64encode(PARTS["a length that is too short"]).decode(), False),
        (base64.b64encode(PCM).decode(), False),
        (base64.b64encode(MONO.header(3) + b"123").decode(), False),  # half a sample
        (base64.b64encode(MONO.header(0)).decode(), False),
        (CANONICAL[:-1], False),
        (CANONICAL[:80] + "\n" + CANONICAL[81:], False),
        (CANONICAL[:80] + "-" + CANONICAL[81:], False),
        (CANONICAL[:80] + "\u0100" + CANONICAL[81:], False),
        (CANONICAL[:80] + "=" + CANONICAL[81:], False),
        (CANONICAL[:-4] + "A===", False),
        ("", False),
    ],
)
def test_a_wav_that_needs_no_change_is_kept_as_it_came(text: str, is_whole: bool) -> None:
    track = SpeechTrack()
    part = track.whole(text)
    assert (part is not None) is is_whole
    if part is not None:
        assert part.text is text
        assert track.header(final=True) + bytes(part) == base64.b64decode(text)
        assert len(part) == track.size
        assert track.whole(text) is None  # there is speech before it now
    else:
        assert track.size == 0
