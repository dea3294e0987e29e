"""What there is to index: files, folders, globs, and the same on any place that fsspec knows."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from langchain_dmx_omni._disk.names import is_url
from langchain_dmx_omni._disk.scratch import scratch_folder
from langchain_dmx_omni.errors import ConfigurationError, ContentBlockError

StrPath = str | os.PathLike[str]

SUBTITLES = frozenset({".srt", ".vtt", ".ass", ".ssa"})
"""How side files end: they belong to the recording beside them, and are none themselves."""

LIBRARY_MARK = ("moments", "recordings.lance")
"""What is in the folder of a library and of nothing else."""


@dataclass(frozen=True)
class Listed:
    """A file that may be a recording.

    Attributes:
        source: Its absolute path, or its URL.
        version: Changes when the file does: of its size and its time, or what the place calls its version.
        options: What fsspec needs to reach it; empty for local files.
    """

    source: str
    version: str
    options: Mapping[str, Any]

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return not is_url(self.source)

    @contextmanager
    def local(self) -> Iterator[Path]:
        """Yield its path on this machine; a remote one is downloaded with its subtitles, and deleted afterwards.

        Raises:
            ContentBlockError: It can't be read.
        """
        if self.is_local:
            yield Path(self.source)
            return
        filesystem, path = open_url(self.source, self.options)
        with scratch_folder() as folder:
            copy = folder / Path(path).name
            try:
                filesystem.get_file(path, str(copy))
                for beside in filesystem.glob(f"{glob.escape(path.rpartition('.')[0])}.*"):
                    if Path(beside).suffix.lower() in SUBTITLES:
                        filesystem.get_file(beside, str(folder / Path(beside).name))
            except OSError as error:
                raise ContentBlockError(f"{self.source}: it can't be read: {error}") from error
            yield copy


def open_url(url: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it.

    Raises:
        ConfigurationError: No such place is known.
        ImportError: What reaches it is not installed.
    """
    try:
        import fsspec  # noqa: PLC0415  # an extra
    except ModuleNotFoundError:
        raise ImportError(f'{url} needs: pip install "langchain-dmx-omni[library]"') from None
    try:
        filesystem, path = fsspec.core.url_to_fs(url, **options)
    except ValueError as error:
        raise ConfigurationError(f"{url}: {error}") from None
    return filesystem, path


def list_recordings(paths: StrPath | Iterable[StrPath], options: Mapping[str, Any] | None = None) -> list[Listed]:
    """Return the files that paths, folders and globs name, each once, in order.

    Hidden files, subtitles and what is in the folder of a library are none.

    Args:
        paths: One or several: of files, of folders (with all that is in them), globs (`**` for any depth), or URLs of
            these.
        options: What fsspec needs for URLs, such as `endpoint_url`.

    Raises:
        ConfigurationError: Nothing is there under one of the names.
    """
    several = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    listed: dict[str, Listed] = {}
    for path in several:
        name = os.fspath(path)
        if not name:
            raise ConfigurationError("'' is no path: give that of a file or a folder, a glob or a URL")
        for each in _on_place(name, options or {}) if is_url(name) else _on_disk(name):
            listed.setdefault(each.source, each)
    return list(listed.values())


def _on_disk(name: str) -> list[Listed]:
    path = Path(name).expanduser()
    if path.is_dir():
        files = list(_below(path))
    elif path.exists():
        return [_listed(path, _side_files(path.parent))]
    elif glob.has_magic(name):
        matches = (Path(match) for match in sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207  # of any root
        files = [file for match in matches for file in (_below(match) if match.is_dir() else [match])]
    else:
        raise ConfigurationError(f"{name}: there is no such file or folder")
    is_library = cache(lambda folder: folder.joinpath(*LIBRARY_MARK).is_dir())
    files = [file for file in files if not any(map(is_library, file.parents))]
    wanted = [file for file in files if _is_wanted(file.name) and file.is_file()]
    if not wanted and not path.is_dir():
        raise ConfigurationError(f"{name}: no file has a name like this")
    beside = {folder: _side_files(folder) for folder in {file.parent for file in wanted}}
    return [_listed(file, beside[file.parent]) for file in wanted]


def _below(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        yield from (Path(root, each) for each in sorted(files))


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and Path(name).suffix.lower() not in SUBTITLES


def _side_files(folder: Path) -> dict[str, list[Path]]:
    """Return the subtitles of a folder by all that a recording beside them may be called: `talk.en.srt` is talk's."""
    beside: dict[str, list[Path]] = {}
    for name in sorted(os.listdir(folder)):  # noqa: PTH208  # names alone
        if Path(name).suffix.lower() in SUBTITLES:
            parts = name.split(".")[:-1]
            for count in range(1, len(parts) + 1):
                beside.setdefault(".".join(parts[:count]), []).append(folder / name)
    return beside


def _listed(path: Path, beside: Mapping[str, list[Path]]) -> Listed:
    statuses = [file.stat() for file in (path, *beside.get(path.stem, ()))]
    version = " ".join(f"{status.st_size}-{status.st_mtime_ns}" for status in statuses)
    return Listed(os.path.abspath(path), version, {})  # noqa: PTH100  # links stay


def _on_place(url: str, options: Mapping[str, Any]) -> list[Listed]:
    filesystem, path = open_url(url, options)
    try:
        filesystem.invalidate_cache()
        files = filesystem.glob(path, detail=True) if glob.has_magic(path) else filesystem.find(path, detail=True)
    except FileNotFoundError:
        files = {}
    except OSError as error:
        raise ConfigurationError(f"{url}: it can't be listed: {error}") from error
    if not files:
        raise ConfigurationError(f"{url}: there is nothing")
    mark = f"/{'/'.join(LIBRARY_MARK)}/"
    libraries = tuple({f"{name.partition(mark)[0]}/" for name in files if mark in name})
    names = sorted(
        name
        for name, info in files.items()
        if info["type"] == "file" and _is_wanted(Path(name).name) and not name.startswith(libraries)
    )
    return [Listed(filesystem.unstrip_protocol(name), _version(files[name]), options) for name in names]


def _version(info: Mapping[str, Any]) -> str:
    """Return what changes with a file: each kind of place has another word for it."""
    words = (info.get(name) for name in ("ETag", "etag", "md5Hash", "LastModified", "mtime", "created"))
    return f"{info.get('size')}-{next((word for word in words if word), '')}"
