"""The HTTP clients: made when first needed, and shared by everyone in the process.

There is one for sync calls and one for each running event loop. They live outside the model, which therefore
pickles and copies.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar
from urllib.request import getproxies

import httpx

from .errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

_Kept = tuple[httpx.AsyncClient, "AsyncGenerator[None]"]
"""A client that belongs to one event loop, and what closes it when the loop ends."""


class _Clients:
    """The shared clients of this process. One set for each set of proxies that the environment names."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sync: dict[object, httpx.Client] = {}
        self.loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[object, _Kept]] = (
            weakref.WeakKeyDictionary()
        )


_clients = _Clients()


def _forget() -> None:
    """A forked child must not talk on its parent's connections, nor close them."""
    global _clients  # noqa: PLW0603
    _parents.append(_clients)
    _clients = _Clients()


@atexit.register
def _close() -> None:
    for client in _clients.sync.values():
        client.close()


_parents: list[_Clients] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Return the one context that all clients share: making it costs more than a call."""
    return httpx.create_ssl_context()


Made = TypeVar("Made", httpx.Client, httpx.AsyncClient)


def _make(kind: type[Made]) -> Made:
    """Return a new client. Made for the first time, it reads files and imports modules for a tenth of a second."""
    # No bound on connections: a thousand streams at once is a thousand connections, not a queue.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100, keepalive_expiry=30.0)
    try:
        made: Made = kind(verify=_ssl_context(), limits=limits)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # a SOCKS proxy without socksio, or no URL at all
        raise ConfigurationError(f"a proxy that the environment names can't be used: {error}") from error
    from ._network import merge_chunks  # noqa: PLC0415  it imports what httpx itself imports only now

    for transport in (made._transport, *made._mounts.values()):
        merge_chunks(transport)
    return made


def client() -> httpx.Client:
    proxies, clients = tuple(sorted(getproxies().items())), _clients
    with clients.lock:
        if proxies not in clients.sync:
            clients.sync[proxies] = _make(httpx.Client)
        return clients.sync[proxies]


async def async_client() -> httpx.AsyncClient:
    proxies, clients, loop = tuple(sorted(getproxies().items())), _clients, asyncio.get_running_loop()
    if kept := clients.loops.get(loop, {}).get(proxies):
        return kept[0]
    client = await asyncio.to_thread(_make, httpx.AsyncClient)
    with clients.lock:
        for ended in [one for one in clients.loops if one.is_closed()]:
            del clients.loops[ended]
        closing = _close_with_loop(client)
        kept = clients.loops.setdefault(loop, {}).setdefault(proxies, (client, closing))
    if kept[1] is closing:  # else another task was faster
        await anext(closing)
    return kept[0]


async def _close_with_loop(client: httpx.AsyncClient) -> AsyncGenerator[None]:
    """Close a client when its event loop ends.

    An event loop that shuts down, as at the end of `asyncio.run`, closes the async generators that have begun
    on it; being one of them is how a library gets told.
    """
    clients, loop = _clients, asyncio.get_running_loop()
    try:
        yield
    finally:
        with clients.lock:
            clients.loops.pop(loop, None)
        await client.aclose()
