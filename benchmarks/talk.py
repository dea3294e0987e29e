"""A long recording to measure with: 1080p, H.264 and AAC, with scenes, speech, and a number in every frame.

Four minutes are encoded once; a longer file repeats their packets with later timestamps, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.stream

from langchain_dmx_omni.testing import _voice

WIDTH, HEIGHT, FPS = 1920, 1080, 25
SAMPLE_RATE = 48_000
LOOP = 240
"""Seconds that are encoded; frame numbers begin anew after them, and AAC's frames of 1,024 samples divide them."""
SCENES = (31.0, 52.4, 75.0, 98.16, 130.0, 151.32, 187.0, 214.8, float(LOOP))
"""Where each scene ends."""

_BITS, _SIDE = 16, 48
_PICTURES = (
    "testsrc2=s={size}:r={fps}",
    "gradients=s={size}:r={fps}:speed=0.005:seed=3:n=4",
    "testsrc2=s={size}:r={fps},hue=h=120",
    "gradients=s={size}:r={fps}:speed=0.005:seed=11:n=6",
    "smptehdbars=s={size}:r={fps},noise=alls=4:allf=t",
)
_SENTENCES = (
    "Good morning, and welcome to this talk about very long recordings.",
    "The first thing to know is that a minute of video is larger than you think.",
    "Let us look at the numbers on this slide, one after the other.",
    "If there are any questions, please ask them at the end.",
    "Now we come to the second part, which is about sound.",
)


def make(path: Path, minutes: float, rate: int | None = None) -> Path:
    """Write a recording of some minutes and return its path; its loop is kept beside it for the next.

    Args:
        path: Where it goes.
        minutes: Its length.
        rate: Bits a second of the picture, as for a meeting; by default a quality, whatever that needs.
    """
    loop = path.with_name(f"loop{rate or ''}.mp4")
    if not loop.exists():
        part = loop.with_suffix(".part")
        _encode(part, rate)
        part.replace(loop)
    part = path.with_suffix(".part")
    _repeat(loop, part, minutes * 60)
    part.replace(path)
    return path


def number_of(frame: av.VideoFrame) -> int:
    """Return the number that a frame carries, whatever its size is now."""
    gray = frame.reformat(format="gray")
    plane, width = bytes(gray.planes[0]), gray.planes[0].line_size
    side = _SIDE * frame.height / HEIGHT
    row = int((HEIGHT - _SIDE / 2) * frame.height / HEIGHT)
    bits = (plane[row * width + int((bit + 0.5) * side)] > 127 for bit in range(_BITS))
    return sum(on << bit for bit, on in enumerate(bits))


def number_at(time: float) -> int:
    """Return the number of the frame that is shown at a time (seconds)."""
    return int(time * FPS + 1e-6) % (LOOP * FPS)


def _encode(path: Path, rate: int | None) -> None:
    with av.open(str(path), "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.options = {"preset": "veryfast", "g": "250"} | ({"crf": "23"} if rate is None else {})
        if rate is not None:
            video.bit_rate = rate
        audio = out.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        audio.bit_rate = 128_000
        sound = _sound()
        for number, frame in enumerate(_frames()):
            _stamp(frame, number)
            frame.pts, frame.time_base, frame.pict_type = number, Fraction(1, FPS), 0
            out.mux(video.encode(frame))
            if number % FPS == 0:
                out.mux(audio.encode(next(sound)))
        out.mux(video.encode(None))
        out.mux(audio.encode(None))


def _frames() -> Iterator[av.VideoFrame]:
    number = 0
    for scene, end in enumerate(SCENES):
        graph = av.filter.Graph()
        names = _PICTURES[scene % len(_PICTURES)].format(size=f"{WIDTH}x{HEIGHT}", fps=FPS).split(",")
        nodes = [graph.add(*name.split("=", 1)) for name in [*names, "format=yuv420p", "buffersink"]]
        graph.link_nodes(*nodes).configure(auto_buffer=False)
        while number < round(end * FPS):
            frame = graph.pull()
            frame.make_writable()
            yield frame
            number += 1


def _stamp(frame: av.VideoFrame, number: int) -> None:
    plane = frame.planes[0]
    row = b"".join((b"\xeb" if number >> bit & 1 else b"\x10") * _SIDE for bit in range(_BITS))
    view = memoryview(plane)
    for line in range(HEIGHT - _SIDE, HEIGHT):
        view[line * plane.line_size : line * plane.line_size + len(row)] = row


def _sound() -> Iterator[av.AudioFrame]:
    """Return a second of speech after the other: each sentence, and a pause."""
    pcm = b"".join(_voice.speak(text, "Tina") + bytes(2 * 24_000 * 4 // 5) for text in _SENTENCES)
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SAMPLE_RATE, frame_size=SAMPLE_RATE)
    seconds, second = len(pcm) // 48_000, 0
    while True:
        piece = pcm[second % seconds * 48_000 :][:48_000]
        frame = av.AudioFrame("s16", "mono", 24_000)
        frame.planes[0].update(piece.ljust(frame.planes[0].buffer_size, b"\0"))
        frame.sample_rate, frame.time_base, frame.pts = 24_000, Fraction(1, 24_000), second * 24_000
        yield from resampler.resample(frame)
        second += 1


def _repeat(loop: Path, path: Path, seconds: float) -> None:
    with av.open(str(path), "w", format="mp4") as out:
        streams: dict[int, av.stream.Stream] = {}
        for turn in range(int(-(-seconds // LOOP))):
            with av.open(str(loop)) as source:
                if not streams:
                    streams = {each.index: out.add_stream_from_template(each) for each in source.streams}
                    out.start_encoding()  # before it, the streams have no clock
                for packet in source.demux(*source.streams):
                    if packet.dts is None or (turn and packet.pts < 0):
                        continue
                    shift = round(turn * LOOP / packet.time_base)
                    if packet.pts * packet.time_base >= min(LOOP, seconds - turn * LOOP):
                        continue
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[packet.stream.index]
                    out.mux(packet)


def cached(folder: Path, minutes: float, rate: int | None = None) -> Path:
    """Return a recording of some minutes, made if it is not in the folder yet; see `make`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"talk-{minutes:g}min{f'-{rate}' if rate else ''}.mp4"
    return path if path.exists() else make(path, minutes, rate)
