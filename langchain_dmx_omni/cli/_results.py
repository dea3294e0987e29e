"""Where the results of recordings go: files beside each other, or standard output."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from langchain_dmx_omni.errors import StorageError

from . import _output, _paths

if TYPE_CHECKING:
    from langchain_dmx_omni.jobs import Result, Subtitles


class Results:
    """Where results go.

    Args:
        files: The recordings.
        kind: The results' class.
        folder: Where files go; None or `-` for standard output.
        format: One of the result's formats, or `all`; by default its first.

    Attributes:
        translated: The language of a translation, which gets files of its own, or None.
        spoken: The language that is spoken, or None.
        mux: Whether a copy of each recording gets the subtitles.

    Raises:
        typer.BadParameter: There is no such format.
    """

    def __init__(self, files: Sequence[Path], kind: type[Result], folder: Path | None, format: str | None) -> None:
        from . import _formats  # noqa: PLC0415  # with an extra

        known = _formats.formats(kind)
        if format not in (None, *known, "all"):
            raise typer.BadParameter(f"{format!r}: {', '.join(known)} or all", param_hint="--output-format")
        self.translated: str | None = None
        self.spoken: str | None = None
        self.mux = False
        self._files = files
        self._formats = known if format == "all" else (format or known[0],)
        self._folder = None if folder is None or str(folder) == "-" else folder

    def check(self) -> None:
        """Make sure that everything can be written, before anything is asked.

        Raises:
            typer.BadParameter: Two results would go to the same place, or one can't be written.
            ContentBlockError: A recording can't hold subtitles.
        """
        if self._folder is None:
            if self.mux:
                raise typer.BadParameter("a copy needs a folder: --output-dir FOLDER", param_hint="--mux")
            return
        _paths.folder(self._folder, "--output-dir")
        taken: dict[str, Path] = {}
        for file in self._files:
            for place in self._places(file):
                if (other := taken.setdefault(str(place).casefold(), file)) is not file:
                    raise typer.BadParameter(
                        f"{other} and {file} would both become {place}: take one at a time, each with its own folder",
                        param_hint="--output-dir",
                    )
                _paths.target(place, "--output-dir")
                if place.exists() and file.exists() and place.samefile(file):
                    raise typer.BadParameter(f"{file} would be written over", param_hint="--output-dir")
        if self.mux:
            from . import _mux  # noqa: PLC0415  # an extra

            for file in self._files:
                _mux.check(file)

    def finish(self, path: Path, result: Result) -> None:
        """Write the result of a recording, and say where it is.

        Raises:
            StorageError: It can't be written.
        """
        from . import _formats  # noqa: PLC0415  # with an extra

        for version, name in self._versions(path, result):
            for format in self._formats:
                text = _formats.written(version, format, title=path.name if self._folder else "")
                if self._folder is not None:
                    _write(self._folder / f"{name}.{format}", text)
                    continue
                if len(self._files) > 1 and format != "json":
                    _output.answer(f"{path.name}:")
                _output.answer(text, end="")
        if self.mux and self._folder is not None:
            self._write_copy(path, result)

    def _versions(self, path: Path, result: Result) -> Iterator[tuple[Result, str]]:
        """Yield what is written, and the names without their endings: the translation is a file of its own."""
        if self.translated is None:
            yield result, path.stem
            return
        yield _lines(result, translated=False), path.stem
        yield _lines(result, translated=True), self._translated_stem(path)

    def _places(self, file: Path) -> Iterator[Path]:
        assert self._folder is not None
        for stem in (file.stem, *([self._translated_stem(file)] if self.translated else [])):
            yield from (self._folder / f"{stem}.{format}" for format in self._formats)
        if self.mux:
            yield self._copy_of(file)

    def _translated_stem(self, file: Path) -> str:
        language = re.sub(r"[^\w-]+", "-", self.translated or "").strip("-")
        return f"{file.stem}.{language}"

    def _copy_of(self, file: Path) -> Path:
        assert self._folder is not None
        return self._folder / f"{file.stem}.subtitled.mp4"

    def _write_copy(self, path: Path, result: Result) -> None:
        from . import _mux  # noqa: PLC0415  # an extra

        tracks = [_mux.Track(_lines(result, translated=False).cues(), self.spoken)]
        if self.translated:
            tracks.append(_mux.Track(_lines(result, translated=True).cues(), self.translated))
        _mux.mux(path, tracks, self._copy_of(path))
        _output.answer(str(self._copy_of(path)))


def _lines(result: Result, *, translated: bool) -> Subtitles:
    """Return subtitles with one text a line: as it is spoken, or its translation."""
    from langchain_dmx_omni.jobs import Subtitles  # noqa: PLC0415  # an extra

    assert isinstance(result, Subtitles)
    lines = [
        line.model_copy(
            update={"text": (line.translation or line.text) if translated else line.text, "translation": ""}
        )
        for line in result.lines
    ]
    return result.model_copy(update={"lines": lines})


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8", errors="backslashreplace", newline="\n")
    except OSError as error:
        raise StorageError.of(error, "write the result", path, "free some space, or give another folder") from error
    _output.answer(str(path))
