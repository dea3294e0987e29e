"""Where results go: looked at before anything is asked, since answers cost money."""

from __future__ import annotations

import tempfile
from pathlib import Path

import typer


def wav_target(path: Path | None, option: str = "--save") -> Path | None:
    """Return the place for a WAV file.

    Raises:
        typer.BadParameter: Its name ends otherwise, or nothing can be written there.
    """
    if path is None:
        return None
    path = path.expanduser()
    if path.suffix.lower() != ".wav":
        raise typer.BadParameter(f"speech is saved as WAV: let {path.name!r} end in .wav", param_hint=option)
    return target(path, option)


def speech_target(voice: str | None, save: Path | None) -> Path | None:
    """Return the place for speech, or None.

    Raises:
        typer.BadParameter: There is a voice and no place, or none that can be written.
    """
    save = wav_target(save)
    if voice is not None and save is None:
        raise typer.BadParameter("say where the speech goes: --save answer.wav", param_hint="--voice")
    return save


def target(path: Path, option: str) -> Path:
    """Return the place for a file.

    Raises:
        typer.BadParameter: It is a folder, or its folder is not there or can't be written.
    """
    path = path.expanduser()
    if path.is_dir():
        raise typer.BadParameter(f"{path} is a folder: name a file", param_hint=option)
    if not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}", param_hint=option)
    _try(path.parent, option)
    if path.exists():
        try:
            path.open("ab").close()
        except OSError as error:
            raise typer.BadParameter(f"{path} can't be written: {error.strerror}", param_hint=option) from None
    return path


def folder(path: Path, option: str) -> Path:
    """Return a folder for results, made if it is not there.

    Raises:
        typer.BadParameter: It can't be made or written.
    """
    path = path.expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"{path} can't be made: {error.strerror}", param_hint=option) from None
    _try(path, option)
    return path


def _try(place: Path, option: str) -> None:
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise typer.BadParameter(f"nothing can be written in {place}: {error.strerror}", param_hint=option) from None
