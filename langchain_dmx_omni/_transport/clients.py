"""The HTTP clients: made when first needed, and shared by everyone in the process.

There are some for sync calls and some for each running event loop, as few as the answers under way need. They live
outside the model, which therefore pickles and copies.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import weakref
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.request import getproxies

import httpx

from langchain_dmx_omni.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncGenerator

_ANSWERS_PER_CLIENT = 16
"""Answers that one client carries at once. For each request, httpcore looks at all of a client's connections, and at
each idle one again for each: with a thousand in one client, that alone would cost more than the answers."""

ClientT = TypeVar("ClientT", httpx.Client, httpx.AsyncClient)


class Shared(Generic[ClientT]):
    """A client, and how many answers it carries.

    Args:
        client: The client.
        lock: Guards the count.
    """

    def __init__(self, client: ClientT, lock: threading.Lock) -> None:
        self.client: ClientT = client
        self._lock = lock
        self._answers = 0

    def enter(self) -> bool:
        """Carry one answer more, if there is room."""
        with self._lock:
            room = self._answers < _ANSWERS_PER_CLIENT
            self._answers += room
            return room

    def leave(self) -> None:
        """Carry one answer less."""
        with self._lock:
            self._answers -= 1


class _OfLoop:
    """The clients of one event loop, by the proxies that the environment names; and what closes them when it ends."""

    def __init__(self) -> None:
        self.by_proxies: dict[object, list[Shared[httpx.AsyncClient]]] = {}
        self.closing: AsyncGenerator[None] | None = None


class _Clients:
    """The shared clients of this process, by the proxies that the environment names."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.making = threading.Lock()
        self.sync: dict[object, list[Shared[httpx.Client]]] = {}
        self.loops: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = weakref.WeakKeyDictionary()


_clients = _Clients()


def _forget() -> None:
    """A forked child must not talk on its parent's connections, nor close them."""
    global _clients  # noqa: PLW0603
    _parents.append(_clients)
    _clients = _Clients()


@atexit.register
def _close() -> None:
    for shared in chain.from_iterable(_clients.sync.values()):
        shared.client.close()


_parents: list[_Clients] = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@lru_cache(maxsize=1)
def _ssl_context() -> ssl.SSLContext:
    """Return the one context that all clients share: making it costs more than a call."""
    return httpx.create_ssl_context()


def _new_client(kind: type[ClientT]) -> ClientT:
    """Return a new client. The first one takes a tenth of a second, for reading files and importing modules."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=_ANSWERS_PER_CLIENT, keepalive_expiry=30.0)
    try:
        client: ClientT = kind(verify=_ssl_context(), limits=limits)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # a SOCKS proxy without socksio, or no URL at all
        raise ConfigurationError(f"a proxy that the environment names can't be used: {error}") from error
    from .network import merge_chunks  # noqa: PLC0415  it imports what httpx itself imports only now

    for transport in (client._transport, *client._mounts.values()):
        merge_chunks(transport)
    return client


def _warm_up() -> None:
    """Read the files and import the modules that the first client needs, which takes a tenth of a second."""
    _new_client(httpx.Client).close()


def client() -> Shared[httpx.Client]:
    """Return a client that carries one answer more: leave it afterwards."""
    clients = _clients
    with clients.making:
        return _with_room(clients, clients.sync.setdefault(_proxies(), []), httpx.Client)


async def async_client() -> Shared[httpx.AsyncClient]:
    """Async version of `client`, for the running event loop."""
    clients, loop = _clients, asyncio.get_running_loop()
    if not _ssl_context.cache_info().currsize:
        await asyncio.to_thread(_warm_up)
    with clients.lock:
        for ended in [one for one in clients.loops if one.is_closed()]:
            del clients.loops[ended]
        of_loop = clients.loops.setdefault(loop, _OfLoop())
    if of_loop.closing is None:
        of_loop.closing = _close_with_loop()
        await anext(of_loop.closing)
    return _with_room(clients, of_loop.by_proxies.setdefault(_proxies(), []), httpx.AsyncClient)


def _proxies() -> object:
    return tuple(sorted(getproxies().items()))


def _with_room(clients: _Clients, pool: list[Shared[ClientT]], kind: type[ClientT]) -> Shared[ClientT]:
    for shared in pool:
        if shared.enter():
            return shared
    shared = Shared(_new_client(kind), clients.lock)
    shared.enter()
    pool.append(shared)
    return shared


async def _close_with_loop() -> AsyncGenerator[None]:
    """Close the clients of an event loop when it ends.

    An event loop that shuts down, as at the end of `asyncio.run`, closes the async generators that have begun
    on it; being one of them is how a library learns of it.
    """
    clients, loop = _clients, asyncio.get_running_loop()
    try:
        yield
    finally:
        with clients.lock:
            of_loop = clients.loops.pop(loop, None)
        for shared in chain.from_iterable(of_loop.by_proxies.values() if of_loop else ()):
            await shared.client.aclose()
