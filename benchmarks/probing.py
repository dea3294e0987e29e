"""What `probe` costs for an hour in each of eleven containers, beside ffprobe reading the header and every packet.

    python -m benchmarks.probing                 an hour; needs ffmpeg and ffprobe on the PATH
    python -m benchmarks.probing --minutes 10    a quick look

Figures are seconds of CPU. ffprobe's hold its start, ours no import. Pictures are tiny: what counts is how many packets
there are, 5 pictures and 16 pieces of sound a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from langchain_dmx_omni import video

_BOTH, _SOUND = ("-c", "copy"), ("-vn", "-c", "copy")
_CONTAINERS: dict[str, tuple[str, tuple[str, ...]]] = {
    # the file, and how it is made of an MP4
    "MP4": ("a.mp4", _BOTH),
    "fragmented MP4": ("f.mp4", (*_BOTH, "-movflags", "frag_keyframe+empty_moov")),
    "MKV": ("a.mkv", _BOTH),
    "WebM": ("a.webm", ("-c:v", "libvpx", "-deadline", "realtime", "-threads", "1", "-c:a", "libopus")),
    "AVI": ("a.avi", ("-c:v", "copy", "-c:a", "mp2")),
    "FLV": ("a.flv", _BOTH),
    "MPEG-TS": ("a.ts", _BOTH),
    "Ogg": ("a.ogg", ("-vn", "-c:a", "libvorbis")),
    "raw AAC": ("a.aac", _SOUND),
    "MP3 without an index": ("a.mp3", ("-vn", "-c:a", "libmp3lame", "-write_xing", "0")),
    "FLAC": ("a.flac", ("-vn", "-c:a", "flac")),
}


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.probing", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the recordings (%(default)g)")
    minutes = parser.parse_args().minutes
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        sys.exit("ffmpeg and ffprobe are not on the PATH; on Debian or Ubuntu: apt install ffmpeg")
    print("| | seconds | probe, CPU s | / ffprobe, header | / ffprobe, every packet |\n|---|---|---|---|---|")  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="dmx-omni-") as folder:
        source = Path(folder, "source.mp4")
        picture = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=5", "-f", "lavfi", "-i", "sine=sample_rate=16000")
        encoding = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac", "-b:a", "16k")
        _cpu("ffmpeg", "-v", "error", *picture, "-t", f"{minutes * 60:g}", *encoding, str(source))
        for name, (file, how) in _CONTAINERS.items():
            path = Path(folder, file)
            _cpu("ffmpeg", "-v", "error", "-i", str(source), *how, str(path))
            before = os.times()
            info = video.probe(path)
            after = os.times()
            ours = after.user + after.system - before.user - before.system
            header = _cpu("ffprobe", "-v", "quiet", "-show_format", "-show_streams", str(path))
            counted = _cpu("ffprobe", "-v", "quiet", "-count_packets", "-show_streams", str(path))
            print(  # noqa: T201
                f"| {name} | {info.duration:.3f} | {ours:.2f} | {ours / header:.1f} | {ours / counted:.2f} |",
                flush=True,
            )
            path.unlink()
    return 0


def _cpu(*command: str) -> float:
    """Run a program, and return the seconds of CPU that it took."""
    before = os.times()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    sys.exit(main())
