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
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote
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
        pool: All clients of its kind; who looks at it or changes it holds the lock.
        lock: Guards the pool and the counts.
    """

    def __init__(self, client: ClientT, pool: list[Shared[ClientT]], lock: threading.Lock) -> None:
        self.client: ClientT = client
        self._pool: list[Shared[ClientT]] = pool
        self._lock = lock
        self._answers = 1
        with lock:
            pool.append(self)

    @property
    def has_room(self) -> bool:
        """Whether it can carry one answer more."""
        return self._answers < _ANSWERS_PER_CLIENT

    def enter(self) -> None:
        """Carry one answer more; who calls this holds the lock."""
        self._answers += 1

    def leave(self) -> list[ClientT]:
        """Carry one answer less; return the clients to close: of idle ones, all but the first.

        One is kept, so that calls that come and go don't open connections anew. The first that has room is always
        taken, so those behind it fall idle once a crowd has gone.
        """
        with self._lock:
            self._answers -= 1
            surplus = [one for one in self._pool if not one._answers][1:]
            for one in surplus:
                self._pool.remove(one)
        return [one.client for one in surplus]


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
    """Return the one context that all clients share: making it costs more than a call.

    Raises:
        ConfigurationError: What the environment names for it can't be used.
    """
    folder = os.environ.get("SSL_CERT_DIR")
    if folder and not os.environ.get("SSL_CERT_FILE") and not Path(folder).is_dir():
        raise ConfigurationError(f"SSL_CERT_DIR={folder!r} is no folder: name one of certificates, or unset it")
    try:
        if file := os.environ.get("SSL_CERT_FILE"):
            Path(file).stat()  # httpx 0.27 passes over a name of nothing
        return httpx.create_ssl_context()
    except OSError as error:
        names = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE") if os.environ.get(name)]
        values = " or ".join(f"{name}={os.environ[name]!r}" for name in names) or "the system's store of certificates"
        remedy = "name a file of certificates in PEM form, or unset it"
        raise ConfigurationError(f"{values} can't be used: {error.strerror or error}; {remedy}") from error


_LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0")  # noqa: S104 - never sent through a proxy
"""Hosts on this machine: a proxy elsewhere would look for them on its own."""


def _new_client(kind: type[ClientT]) -> ClientT:
    """Return a new client. The first one takes a tenth of a second, for reading files and importing modules."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=_ANSWERS_PER_CLIENT, keepalive_expiry=30.0)
    direct: Any = {f"all://{host}": None for host in _LOOPBACK}
    context = _ssl_context()
    try:
        client: ClientT = kind(verify=context, limits=limits, mounts=direct)
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # a SOCKS proxy without socksio, or no URL at all
        raise _unusable_proxy(error) from None
    from .network import merge_chunks  # noqa: PLC0415  it imports what httpx itself imports only now

    for transport in (client._transport, *client._mounts.values()):
        merge_chunks(transport)
    return client


def _unusable_proxy(error: Exception) -> ConfigurationError:
    """Return the error that names the variable, and never its value, which may hold a password."""
    proxies = getproxies()
    for scheme in ("http", "https", "all"):
        if not (url := proxies.get(scheme)):
            continue
        reason = "" if "@" in url else f": {error}"
        try:
            httpx.Proxy(url if "://" in url else f"http://{url}")
        except (ValueError, httpx.InvalidURL):
            break
        if isinstance(error, ImportError) and url.startswith("socks"):
            break
    else:
        hosts = proxies.get("no", "")
        remedy = "it takes names and addresses of hosts, with commas between them"
        return ConfigurationError(f"NO_PROXY={hosts!r} can't be used: {error}; {remedy}")
    name = f"{scheme.upper()}_PROXY"
    remedy = f"check {name}, which takes an address such as http://127.0.0.1:8080"
    return ConfigurationError(f"a proxy that the environment names can't be used{reason}; {remedy}")


def proxy_secrets() -> list[str]:
    """Return the user info of the proxies that the environment names, which no error may tell."""
    users = [url.partition("://")[2].rpartition("@")[0] for url in getproxies().values() if "@" in url]
    return [part for user in users for part in (user, unquote(user), *user.split(":", 1)[1:]) if part]


def _warm_up() -> None:
    """Read the files and import the modules that the first client needs, which takes a tenth of a second."""
    _new_client(httpx.Client).close()


def client() -> Shared[httpx.Client]:
    """Return a client that carries one answer more: `leave` it afterwards."""
    clients = _clients
    with clients.making:
        return _with_room(clients, clients.sync.setdefault(_proxies(), []), httpx.Client)


async def async_client() -> Shared[httpx.AsyncClient]:
    """Async version of `client`, for the running event loop."""
    clients, loop = _clients, asyncio.get_running_loop()
    if not _ssl_context.cache_info().currsize:
        try:
            await asyncio.to_thread(_warm_up)
        except RuntimeError:  # no thread to be had
            _warm_up()
    with clients.lock:
        for ended in [one for one in clients.loops if one.is_closed()]:
            del clients.loops[ended]
        of_loop = clients.loops.setdefault(loop, _OfLoop())
    if of_loop.closing is None:
        of_loop.closing = _close_with_loop()
        await anext(of_loop.closing)
    return _with_room(clients, of_loop.by_proxies.setdefault(_proxies(), []), httpx.AsyncClient)


def leave(shared: Shared[httpx.Client]) -> None:
    """Let go of a client."""
    for surplus in shared.leave():
        surplus.close()


async def aleave(shared: Shared[httpx.AsyncClient]) -> None:
    """Async version of `leave`."""
    for surplus in shared.leave():
        await surplus.aclose()


def _proxies() -> object:
    return tuple(sorted(getproxies().items()))


def _with_room(clients: _Clients, pool: list[Shared[ClientT]], kind: type[ClientT]) -> Shared[ClientT]:
    with clients.lock:
        for shared in pool:
            if shared.has_room:
                shared.enter()
                return shared
    return Shared(_new_client(kind), pool, clients.lock)


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
