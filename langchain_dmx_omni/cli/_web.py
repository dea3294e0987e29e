"""`web`: a page in the browser, for those who would rather drop a file than type its name."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import ExitStack, suppress
from typing import Annotated

import typer

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.errors import ConfigurationError

from . import _output
from ._ask import Voice
from ._model import Model, Retries, chat_model


def web(
    *,
    port: Annotated[int, typer.Option(help="Where to listen; 0 lets the system pick.", min=0, max=65_535)] = 0,
    voice: Voice = None,
    window: Annotated[
        float | None,
        typer.Option(help="Seconds over which a recording is asked about part by part.", show_default=False),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    demo: Annotated[bool, typer.Option("--demo", help="Without a key: answers are simulated here.")] = False,
    model: Model = None,
    retries: Retries = 2,
) -> None:
    """Serve a page to this machine's browser, until Ctrl-C: drop a video, ask, read and hear the answer."""
    from langchain_dmx_omni.web import WebPage  # noqa: PLC0415  # an extra

    with ExitStack() as stack:
        llm = _demo_model(stack) if demo else chat_model(model=model, max_retries=retries)
        if llm.api_key is None:
            raise ConfigurationError("there is no API key: set DMXAPI_API_KEY, or try it without one: --demo")
        page = stack.enter_context(WebPage(llm, port=port, voice=voice, window=window, demo=demo))
        stack.enter_context(suppress(KeyboardInterrupt))
        _output.answer(page.url)
        _output.note("for this machine alone, as long as this runs; Ctrl-C ends it and deletes the page's files")
        if demo:
            _output.note("answers are simulated by this machine, not by the model")
        if browser and _has_screen():
            webbrowser.open(page.url)
        page.serve_forever()
    _output.note("ended")


def _demo_model(stack: ExitStack) -> ChatDMXOmni:
    """Return a model of this machine's, at a pace at which streaming can be seen."""
    from langchain_dmx_omni.testing import LocalGateway  # noqa: PLC0415  # an extra

    gateway = stack.enter_context(LocalGateway(pace=0.03))
    return chat_model(base_url=gateway.base_url, api_key=gateway.api_key)


def _has_screen() -> bool:
    """Whether there is a screen for a browser; without one, a browser for terminals would take this one."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
