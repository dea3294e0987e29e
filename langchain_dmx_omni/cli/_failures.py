"""What goes wrong → a line for the user, and the command's exit status."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

from langchain_dmx_omni import errors
from langchain_dmx_omni.errors import DMXOmniError

from . import _output

P = ParamSpec("P")
T = TypeVar("T")

FAILED, WRONG_CALL, INTERRUPTED = 1, 2, 130

_HINTS: dict[type[BaseException], str] = {
    errors.MediaTooLargeError: "dmx-omni ask … --fit makes it fit; dmx-omni ask-long takes recordings of any length",
    errors.AuthenticationError: "dmx-omni doctor looks at the key, the host and what is between",
    errors.ConnectError: "dmx-omni doctor looks at the host, the proxy and the certificates",
    errors.EmptyAnswerError: "dmx-omni voices lists the voices",
}


def reported(command: Callable[P, T]) -> Callable[P, T]:
    """Return a command whose errors are lines on standard error and an exit status, and no traceback.

    What is no mistake of the user's, nor the service's, keeps its traceback: it is a mistake of ours.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt as interruption:
            _output.note("interrupted")
            raise typer.Exit(INTERRUPTED) from interruption
        except BrokenPipeError:
            raise
        except (DMXOmniError, OSError, ImportError) as failure:
            if isinstance(failure, ImportError) and "pip install" not in str(failure):
                raise
            report(failure)
            raise typer.Exit(FAILED) from failure

    return run


def report(failure: BaseException, about: str = "") -> None:
    """Say what went wrong, and what helps.

    Args:
        failure: The error.
        about: What it went wrong with, such as a file's name.
    """
    said = _output.one_line(failure)
    if about:
        named, _, rest = said.partition(": ")
        said = f"{about}: {rest if named.endswith(about) else said}"  # many name it themselves, by its whole path
    _output.error(said)
    for each in getattr(failure, "__notes__", ()):
        _output.note(f"  {each}")
    hint = next((_HINTS[kind] for kind in type(failure).__mro__ if kind in _HINTS), None)
    if hint is None and "fit=True) does" in said:
        hint = "here: dmx-omni ask … --fit"
    if hint:
        _output.note(f"  {hint}")
    elif isinstance(failure, errors.ConfigurationError) and "DMXAPI_API_KEY" in str(failure):
        _output.note("  without a key: dmx-omni serve is the service on this machine, with simulated answers")
