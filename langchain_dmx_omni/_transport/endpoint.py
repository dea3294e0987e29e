"""Where requests go, with which headers, and how long they may take."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import httpx

from langchain_dmx_omni.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

Client = httpx.Client
AsyncClient = httpx.AsyncClient
Timeout = httpx.Timeout

try:
    VERSION = version("langchain-dmx-omni")
    _USER_AGENT = f"langchain-dmx-omni/{VERSION}"
except PackageNotFoundError:  # a frozen application holds the code alone
    VERSION = "0+unknown"
    _USER_AGENT = "langchain-dmx-omni"

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")


class RequestBody(Protocol):
    """A body that can be sent as often as need be, in pieces whose length is known before."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Bounds(NamedTuple):
    """What an answer may take at the most, in bytes."""

    event: float = math.inf
    """Of one event's data."""
    answer: float = math.inf
    """Of the whole answer, as it is read."""


_NO_BOUNDS = Bounds()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go, and how long they may take."""

    base_url: str = field(repr=False)
    route: str = "responses"
    headers: Mapping[str, str] = field(repr=False)
    timeout: httpx.Timeout
    """`read` is not used: the two event timeouts stand for it."""
    first_event_timeout: float | None
    idle_timeout: float | None
    client: httpx.Client | None = None
    async_client: httpx.AsyncClient | None = None
    bounds: Bounds = _NO_BOUNDS

    @property
    def url(self) -> str:
        """Where requests go."""
        return f"{self.base_url.rstrip('/')}/{self.route}"

    def request(self, client: httpx.Client | httpx.AsyncClient, content: Any, length: int) -> httpx.Request:
        """Return the HTTP request.

        Raises:
            ConfigurationError: The client is closed, or the URL or a header can't be used.
        """
        if client.is_closed:
            raise ConfigurationError(f"the {type(client).__name__} that was passed has been closed")
        shown = without_user_info(self.base_url)
        if mark := next((mark for mark in "?#" if mark in self.base_url), None):
            raise ConfigurationError(f"base_url={shown.partition(mark)[0]!r} goes on with {mark!r}: leave out the rest")
        limits = self.timeout
        # Until the request is sent, only a proxy is read from: that is part of connecting.
        timeout = httpx.Timeout(connect=limits.connect, write=limits.write, pool=limits.pool, read=limits.connect)
        headers = {**self.headers, "content-length": str(length)}
        try:
            request = client.build_request("POST", self.url, content=content, headers=headers, timeout=timeout)
            if (request.url.port or 0) > 65_535:  # the system would take it modulo 65,536
                raise httpx.InvalidURL("there is no such port")
        except (httpx.InvalidURL, UnicodeError) as error:
            reason = "" if shown != self.base_url else f": {error}"
            raise ConfigurationError(f"base_url={shown!r} can't be used{reason}") from None
        if request.url.userinfo:  # httpx would send it in place of the key
            remedy = "pass the key as api_key, or what else authorizes as default_headers={'authorization': …}"
            raise ConfigurationError(f"base_url={shown!r} holds a user's name or password: {remedy}")
        return request


def headers(
    key: str,
    *,
    auth_scheme: str | None,
    default_headers: Mapping[str, str] | None,
    accept: str = "text/event-stream",
) -> dict[str, str]:
    """Return the headers of every request, names in lower case; those of the user replace ours.

    Raises:
        ConfigurationError: One can't be sent. The message names it and keeps its value to itself.
    """
    if not _VALUE.fullmatch(auth_scheme or ""):
        raise ConfigurationError("auth_scheme holds characters that no header can carry")
    own = {}
    for name, value in (default_headers or {}).items():
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"default_headers: {name!r} can't be the name of a header")
        own[name.lower()] = value.strip(" \t\r\n")
        if not _VALUE.fullmatch(own[name.lower()]):
            raise ConfigurationError(f"default_headers[{name!r}] holds characters that no header can carry")
    return {
        "accept": accept,
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "authorization": f"{auth_scheme} {key}" if auth_scheme else key,
        **own,
    }


def without_user_info(url: str) -> str:
    """Return a URL as it may be shown: what stands before an `@` may be a password."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"
