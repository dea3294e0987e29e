"""`probe`, `fit` and `split`: local video and audio, without asking anyone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.progress import Progress

from . import _output, _paths
from ._failures import FAILED
from ._tables import progress, show

if TYPE_CHECKING:
    from langchain_dmx_omni.video import MediaInfo

Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="Local video or audio files.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A local video or audio file.")]
By = Literal["time", "scenes", "silence", "keyframes"]


def probe(files: Files, as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Say what files are, and whether they are whole. Nothing is sent."""
    from langchain_dmx_omni import video  # noqa: PLC0415  # an extra

    infos = [video.probe(file) for file in files]
    if as_json:
        _output.answer_json([_facts(info) for info in infos])
    else:
        headings = ("file", "kind", "format", "seconds", "pixels", "fps", "MB", "problem")
        show(headings, map(_row, infos), right=("seconds", "pixels", "fps", "MB"))
    if any(info.damaged for info in infos):
        raise typer.Exit(FAILED)


def fit(
    file: File,
    *,
    out: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where it goes: a name that ends in .mp4, or .m4a for sound.")
    ] = None,
    max_bytes: Annotated[
        int | None, typer.Option(help="Largest file; by default what can be sent inline.", min=1, show_default=False)
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Frames a second.", show_default=False)] = None,
) -> None:
    """Make a file small enough to be sent, as good as that allows. Prints the path of the result."""
    from langchain_dmx_omni import video  # noqa: PLC0415  # an extra

    if out is not None:
        out = _paths.target(out, "--output")
    with progress(1, "s") as bar:
        path = video.fit(file, max_bytes=max_bytes or video.INLINE_BYTES, out=out, fps=fps, progress=_moves(bar, file))
    _output.answer(str(path))


def split(
    file: File,
    *,
    output_dir: Annotated[Path, typer.Option("--output-dir", "-o", help="Where segments go.")] = Path("segments"),
    window: Annotated[float | None, typer.Option(help="Seconds of a segment.", show_default=False)] = None,
    overlap: Annotated[float, typer.Option(help="Seconds that neighbours share.")] = 0.0,
    by: Annotated[By, typer.Option(help="Where segments end.")] = "time",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Cut a file into segments that can be sent. Prints the path of each as it is there."""
    from langchain_dmx_omni import video  # noqa: PLC0415  # an extra

    folder = _paths.folder(output_dir, "--output-dir")
    facts = []
    with progress(1, "s") as bar:
        segments = video.split(file, window=window, overlap=overlap, by=by, out=folder, progress=_moves(bar, file))
        for each in segments:
            facts.append({"path": str(each.path), "start": each.start, "end": each.end, "copied": each.copied})
            if not as_json:
                _output.answer(str(each.path))
    if as_json:
        _output.answer_json(facts)


def _moves(bar: Progress, file: Path) -> Callable[[float, float], object]:
    task = bar.add_task(file.name, total=1)
    return lambda done, total: bar.update(task, completed=done, total=total)


def _facts(info: MediaInfo) -> dict[str, Any]:
    names = ("container", "duration", "width", "height", "fps", "rotation", "size_bytes", "kind", "problem")
    streams = [{name: getattr(each, name) for name in ("kind", "codec", "language")} for each in info.streams]
    return {"path": str(info.path), **{name: getattr(info, name) for name in names}, "streams": streams}


def _row(info: MediaInfo) -> tuple[str, ...]:
    return (
        info.path.name,
        info.kind or "-",
        info.container or "-",
        f"{info.duration:,.1f}",
        f"{info.width}x{info.height}" if info.width else "-",
        f"{info.fps:.3g}" if info.fps else "-",
        f"{info.size_bytes / 1e6:,.2f}",
        info.problem or "",
    )
