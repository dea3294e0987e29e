"""Fitting and splitting an hour of 1080p, beside the ffmpeg command line doing the same in the same run.

    python -m benchmarks.long_video                  10 and 60 minutes; needs ffmpeg on the PATH
    python -m benchmarks.long_video --minutes 4      a quick look
    python -m benchmarks.long_video --json FILE      the figures as JSON too

Both sides write files of the same size, frame rate, bit rates and encoder settings. Of a meeting at 0.8 Mbit/s both
copy the packets (`by="keyframes"`, and ffmpeg's `-c copy -f segment`), beside our own encoding of the same. Each run is
a process of its own: its time and its peak memory are the operating system's account of it. The recording is made by
`talk.py` and carries a number in every frame, which tells how exact the cuts are.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av

from langchain_dmx_omni import video
from langchain_dmx_omni.video._plan import Plan, plan

from . import talk

_FIT_MINUTES = 10.0
_WINDOW = 300.0
_MEETING = 690_000
"""Bits a second of a meeting's picture."""
Figures = dict[str, Any]


def main() -> int:
    """Measure both sides and print a table."""
    parser = argparse.ArgumentParser(prog="benchmarks.long_video", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the long recording (%(default)g)")
    parser.add_argument("--rounds", type=int, default=1, help="how often both sides take their turn (%(default)s)")
    parser.add_argument(
        "--folder", type=Path, help="where recordings are kept for the next run; default: a temporary one"
    )
    parser.add_argument("--json", type=Path, help="where the figures go")
    args = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        sys.exit("ffmpeg is not on the PATH; on Debian or Ubuntu: apt install ffmpeg")
    with tempfile.TemporaryDirectory(prefix="dmx-omni-") as temporary:
        folder = args.folder or Path(temporary)
        short = talk.cached(folder, min(_FIT_MINUTES, args.minutes))
        long = talk.cached(folder, args.minutes)
        meetings = [talk.cached(folder, min(each, args.minutes), _MEETING) for each in (_FIT_MINUTES, args.minutes)]
        rounds = [_round(short, long) | _copied(*meetings) for _ in range(args.rounds)]
    for figures in rounds:
        print("\n".join(_table(figures)))  # noqa: T201  it is a command
    if args.json:
        args.json.write_text(json.dumps(rounds, indent=1) + "\n", "utf-8")
    return 0


def _round(short: Path, long: Path) -> Figures:
    figures: Figures = {}
    for name, source in (("fit", short), ("split", short), ("split", long)):
        key = f"{name} {video.probe(source).duration / 60:g} min"
        if key in figures:
            continue
        for side in ("ours", "ffmpeg"):
            with tempfile.TemporaryDirectory(prefix="dmx-omni-") as out:
                figures.setdefault(key, {})[side] = _run(_command(side, name, source, Path(out)), source)
                if side == "ours":
                    figures[key]["files"] = _looked_at(source, Path(out), name)
    return figures


def _copied(short: Path, long: Path) -> Figures:
    """Return the figures of a copied meeting; encoding is measured with the shorter one."""
    figures: Figures = {}
    for side in ("ours", "ffmpeg"):
        with tempfile.TemporaryDirectory(prefix="dmx-omni-") as out:
            figures[side] = _run(_command(side, "copy", long, Path(out)), long)
            figures[f"{side}_files"] = _looked_at(long, Path(out), "copy")
    with tempfile.TemporaryDirectory(prefix="dmx-omni-") as out:
        figures["encoded"] = _run(_command("ours", "split", short, Path(out)), short)
    figures["files"] = figures.pop("ours_files")
    return {f"copy {video.probe(long).duration / 60:g} min": figures}


def _run(command: list[str], source: Path) -> Figures:
    start = time.perf_counter()
    pid = os.posix_spawn(command[0], command, os.environ)
    _, status, used = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"failed: {' '.join(command)}")
    return {
        "times_real_time": video.probe(source).duration / seconds,
        "seconds": seconds,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss / 1024,
    }


def _command(side: str, name: str, source: Path, out: Path) -> list[str]:
    if side == "ours":
        return [sys.executable, "-c", _WORK[name], str(source), str(out), str(_WINDOW)]
    if name == "copy":
        spans = video.windows(source, by="keyframes")
        times = ",".join(f"{span.end:.3f}" for span in spans[:-1]) or "1e9"
        segment = ["-f", "segment", "-segment_times", times, "-reset_timestamps", "1", str(out / "part-%04d.mp4")]
        copying = ["-v", "error", "-nostdin", "-i", str(source), "-c", "copy", "-map", "0"]
        return [str(shutil.which("ffmpeg")), *copying, *segment]
    info = video.probe(source)
    seconds = info.duration if name == "fit" else min(_WINDOW, info.duration)
    how = plan(info, seconds, video.INLINE_BYTES)
    segments = ["-f", "segment", "-segment_time", f"{_WINDOW:g}", "-reset_timestamps", "1"]
    segments += ["-force_key_frames", f"expr:gte(t,n_forced*{_WINDOW:g})"]
    target = [str(out / "fit.mp4")] if name == "fit" else [*segments, str(out / "part-%04d.mp4")]
    return [
        str(shutil.which("ffmpeg")),
        "-v",
        "error",
        "-nostdin",
        "-i",
        str(source),
        *_settings(how, seconds),
        *target,
    ]


_WORK = {
    "fit": "import sys; from langchain_dmx_omni import video; video.fit(sys.argv[1], out=sys.argv[2] + '/fit.mp4')",
    "split": (
        "import sys; from langchain_dmx_omni import video; "
        "[*video.split(sys.argv[1], window=float(sys.argv[3]), out=sys.argv[2])]"
    ),
    "copy": (
        "import sys; from langchain_dmx_omni import video; "
        "assert all(each.copied for each in video.split(sys.argv[1], by='keyframes', out=sys.argv[2]))"
    ),
}


def _settings(how: Plan, seconds: float) -> list[str]:
    """Return what makes ffmpeg encode as our own writer does."""
    buffer = min(20.0, seconds / 4)
    rate = int(how.video_rate * seconds / (seconds + buffer))
    return [
        *("-vf", f"fps={how.fps},scale={how.width}:{how.height}:flags=area", "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-maxrate", str(rate)),
        *("-bufsize", str(int(rate * buffer)), "-g", str(round(30 * how.fps))),
        *("-c:a", "aac", "-ac", "1", "-ar", str(how.sample_rate), "-b:a", str(how.audio_rate)),
    ]


def _looked_at(source: Path, out: Path, name: str) -> Figures:
    """Return what was written: how much, how large, how exact."""
    files = sorted(out.glob("*.mp4"))
    match name:
        case "fit":
            spans = [video.TimeRange(0.0, 0.0)]
        case "split":
            spans = video.windows(source, window=_WINDOW)
        case _:
            spans = video.windows(source, by="keyframes")
    off = [abs(_first_number(file) - talk.number_at(span.start)) for file, span in zip(files, spans, strict=True)]
    infos = [video.probe(file) for file in files]
    return {
        "count": len(files),
        "largest": max(info.size_bytes for info in infos),
        "limit": video.INLINE_BYTES,
        "size": f"{infos[0].width}x{infos[0].height} at {infos[0].fps:g} fps",
        "frames_off": max(off),
        "seconds": sum(info.duration for info in infos),
        "source_seconds": video.probe(source).duration,
    }


def _first_number(path: Path) -> int:
    with av.open(str(path)) as container:
        return talk.number_of(next(container.decode(video=0)))


def _table(figures: Figures) -> list[str]:
    lines = ["| | ours | ffmpeg | ours / ffmpeg |", "|---|---|---|---|"]
    for name, each in figures.items():
        ours, other = each["ours"], each["ffmpeg"]
        for what, key, form in (
            ("× real time", "times_real_time", ".1f"),
            ("CPU s", "cpu", ".1f"),
            ("MB", "peak_mb", ".0f"),
        ):
            ratio = ours[key] / other[key]
            lines.append(f"| {name}, {what} | {ours[key]:{form}} | {other[key]:{form}} | {ratio:.2f} |")
    lines.append("")
    for name, each in figures.items():
        if encoded := each.get("encoded"):
            faster = each["ours"]["times_real_time"] / encoded["times_real_time"]
            lines.append(f"{name}: {faster:.1f} × as fast as encoding, at {encoded['times_real_time']:.1f} × real time")
    for name, files in (
        (f"{name}{of}", each[key])
        for name, each in figures.items()
        for of, key in (("", "files"), (" by ffmpeg", "ffmpeg_files"))
        if key in each
    ):
        lines.append(
            f"{name}: {files['count']} files of {files['size']}, the largest {files['largest']:,} of "
            f"{files['limit']:,} bytes; first frames off by at most {files['frames_off']}; "
            f"{files['seconds']:.3f} s in all, {files['source_seconds']:.3f} s in the source"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
