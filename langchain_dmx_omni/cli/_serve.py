"""`serve`: the service on this machine, for trying without a key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from langchain_dmx_omni.errors import ConfigurationError

from . import _output


def serve(
    port: Annotated[int, typer.Option(help="Where to listen; 0 lets the system pick.", min=0, max=65_535)] = 8080,
    host: Annotated[str, typer.Option(help="Where to listen; loopback, unless you mean otherwise.")] = "127.0.0.1",
    key: Annotated[str, typer.Option(help="The key that is right.")] = "sk-local",
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Answers that `doctor --wire` recorded.", show_default=False),
    ] = None,
) -> None:
    """Run the service on this machine, with simulated answers, until Ctrl-C. Another shell can ask it."""
    from langchain_dmx_omni.testing import LocalGateway  # noqa: PLC0415  # an extra

    try:
        gateway = LocalGateway(host=host, port=port, api_key=key, replay=replay)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--replay") from None
    try:
        gateway.start()
    except OSError as error:
        raise ConfigurationError(
            f"can't listen on {host}:{port}: {error.strerror or error}; try another --port, or 0 for any"
        ) from None
    try:
        for name, value in (("DMXAPI_BASE_URL", gateway.base_url), ("DMXAPI_API_KEY", key)):
            _output.answer(f'$env:{name} = "{value}"' if os.name == "nt" else f"export {name}={value}")
        _output.note("answers are simulated by this machine, not by the model; Ctrl-C ends it")
        gateway.serve_forever()
    finally:
        gateway.stop()
    _output.note("ended")
