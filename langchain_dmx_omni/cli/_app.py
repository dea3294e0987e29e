"""The command and its subcommands, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

import typer

from . import _ask, _doctor, _jobs, _library, _media, _output, _serve, _voices, _web
from ._failures import FAILED, INTERRUPTED, reported
from ._options import expanded

_NAME = "dmx-omni"

app = typer.Typer(
    name=_NAME,
    help="Ask DMXAPI's qwen3.5-omni-plus-all about text, images, audio and video; hear its answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_COMMANDS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Ask": (_ask.ask, _ask.chat, _web.web),
    "Long recordings": (
        _jobs.ask_long,
        _jobs.subtitles,
        _jobs.minutes,
        _jobs.chapters,
        _jobs.moderate,
        _jobs.highlights,
    ),
    "Files": (_media.probe, _media.fit, _media.split),
    "Service": (_serve.serve, _doctor.doctor),
}

for panel, commands in _COMMANDS.items():
    for each in commands:
        app.command(rich_help_panel=panel)(reported(expanded(each)))
app.command("voices", rich_help_panel="Service")(reported(_voices.list_voices))

library = typer.Typer(help="Many recordings in one place, searched and asked.", no_args_is_help=True)
for each in _library.COMMANDS:
    library.command()(reported(expanded(each)))
app.add_typer(library, name="library", rich_help_panel="Long recordings")


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        number = version("langchain-dmx-omni")
    except PackageNotFoundError:  # a frozen application holds the code alone
        number = "of an unknown version"
    _output.answer(f"langchain-dmx-omni {number}")
    raise typer.Exit


@app.callback()
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help="Say the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Ask DMXAPI's qwen3.5-omni-plus-all about text, images, audio and video; hear its answer."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name=_NAME)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else FAILED if end.code else 0
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        status = FAILED
    else:
        status = 0
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        status = status or FAILED
        _output.silence(sys.stdout)
    return status
