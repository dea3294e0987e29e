"""The model that commands ask."""

from __future__ import annotations

import os
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from langchain_dmx_omni import ChatDMXOmni

Model = Annotated[str | None, typer.Option("--model", "-m", help="Name of the model.", show_default=False)]
Retries = Annotated[int, typer.Option(help="Tries after the first, for a busy service.", min=0)]
PricesText = Annotated[
    str | None,
    typer.Option("--prices", help="CNY per million tokens: text=7,audio=53,answer=40,speech=213", show_default=False),
]

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def chat_model(**options: Any) -> ChatDMXOmni:
    """Return the model of the environment's key and host; options that are None are left out."""
    llm = ChatDMXOmni(**{name: value for name, value in options.items() if value is not None})
    reach_loopback(llm.base_url)
    return llm


def reach_loopback(base_url: str) -> None:
    """Let a service on this machine be asked directly: a proxy that the environment names has no way to it."""
    try:
        host = urlsplit(base_url).hostname
    except ValueError:
        return
    if host in _LOOPBACK:
        spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = ",".join(filter(None, [spared, *_LOOPBACK]))
