"""Ask about a video and check what comes back: text, speech, usage. This is `make demo`.

Without DMXAPI_API_KEY it asks a stand-in for the service that runs on this machine.
"""

from __future__ import annotations

import argparse
import array
import math
import os
import sys
import wave
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from langchain_core.messages import AIMessageChunk, HumanMessage

from langchain_dmx_omni import ChatDMXOmni, DMXOmniError, Speech, media
from langchain_dmx_omni.cli import _output
from langchain_dmx_omni.errors import ContentBlockError


def main() -> int:
    """Ask, print, save and describe; a mistake becomes one line and exit status 1."""
    parser = argparse.ArgumentParser(description="Ask about a video; read, hear and check the answer.")
    parser.add_argument("--video", type=Path, help="a video file; a small one is made if none is given")
    parser.add_argument("--question", default="What happens in this video?")
    parser.add_argument("--voice", default="Tina")
    parser.add_argument("--output", type=Path, default=Path("answer.wav"), help="where the speech goes")
    args = parser.parse_args()
    _output.prepare()
    try:
        with ExitStack() as stack:
            llm = _model(args.voice, stack)
            video = args.video or _made_clip(stack)
            check(video)
            _output.answer(f"Video:    {video} ({video.stat().st_size:,} bytes)")
            _output.answer(f"Question: {args.question}")
            chunks = ask(llm, video, args.question)
            Speech.from_chunks(chunks).save(args.output)
            _output.answer(f"Speech:   {describe(args.output)}")
            _output.answer(f"Usage:    {_usage(chunks)}")
    except (DMXOmniError, OSError) as error:
        _output.error(_output.one_line(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def check(video: Path) -> None:
    """Refuse a file that is no video, where PyAV is there to tell; the service would charge for it."""
    try:
        import av  # noqa: PLC0415  comes with the extra `local`
    except ImportError:
        return
    try:
        with av.open(str(video)) as container:
            found = bool(container.streams.video)
    except ValueError:
        found = False
    if not found:
        raise ContentBlockError(f"{video}: not a video that can be read")


def ask(llm: ChatDMXOmni, video: Path, question: str) -> list[AIMessageChunk]:
    """Stream the answer, printing its text as it comes, and give all its chunks."""
    message = HumanMessage([media.video(video), {"type": "text", "text": question}])
    chunks: list[AIMessageChunk] = []
    try:
        for chunk in llm.stream([message]):
            _output.answer(chunk.text if chunks else f"Answer:   {chunk.text}", end="")
            chunks.append(chunk)
    finally:
        if chunks:
            _output.answer("")
    return chunks


def describe(path: Path) -> str:
    """Read a 16-bit WAV back and say what is in it, loudness in dB below full scale."""
    with wave.open(str(path), "rb") as wav:
        rate, channels, frames = wav.getframerate(), wav.getnchannels(), wav.getnframes()
        samples = array.array("h", wav.readframes(frames))
    if sys.byteorder == "big":
        samples.byteswap()
    peak = max(map(abs, samples), default=0)
    rms = math.sqrt(sum(sample * sample for sample in samples) / max(1, len(samples)))
    return (
        f"{path} ({frames / rate:.2f} s, {rate} Hz, {channels} channel{'s' * (channels != 1)}, "
        f"peak {_decibels(peak)}, rms {_decibels(rms)})"
    )


def _decibels(level: float) -> str:
    return f"{20 * math.log10(level / 32768):.1f} dB" if level else "silent"


def _usage(chunks: list[AIMessageChunk]) -> str:
    usage = next((chunk.usage_metadata for chunk in reversed(chunks) if chunk.usage_metadata), None)
    return _output.usage(dict(usage) if usage else None)


def _model(voice: str, stack: ExitStack) -> ChatDMXOmni:
    if os.environ.get("DMXAPI_API_KEY"):
        llm = ChatDMXOmni(voice=voice)
        _output.answer(f"Asking {llm.model} at {llm.base_url}.")
        return llm
    from langchain_dmx_omni.testing import LocalGateway  # noqa: PLC0415  only this road needs the extra `local`

    # A proxy that the environment names has no way to this machine's loopback.
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"
    gateway = stack.enter_context(LocalGateway())
    _output.answer(
        "DMXAPI_API_KEY is not set: the answer is simulated by a local stand-in for the service, not by the model."
    )
    return ChatDMXOmni(voice=voice, base_url=gateway.base_url, api_key=gateway.api_key)


def _made_clip(stack: ExitStack) -> Path:
    from make_clip import make_clip  # noqa: PLC0415  PyAV is not needed for a video of one's own

    folder = stack.enter_context(TemporaryDirectory(prefix="dmx-omni-"))
    return make_clip(Path(folder) / "clip.mp4")


if __name__ == "__main__":
    sys.exit(main())
