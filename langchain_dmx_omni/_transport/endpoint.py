"""Where requests go, with which headers, and how long they may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from langchain_dmx_omni.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

Client = httpx.Client
AsyncClient = httpx.AsyncClient
Timeout = httpx.Timeout

try:
    _USER_AGENT = f"langchain-dmx-omni/{version('langchain-dmx-omni')}"
except PackageNotFoundError:  # a frozen application holds the code alone
    _USER_AGENT = "langchain-dmx-omni"


class RequestBody(Protocol):
    """A body that can be sent as often as need be, in pieces whose length is known before."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where requests go, and how long they may take."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: httpx.Timeout
    """`read` is not used: the two event timeouts stand for it."""
    first_event_timeout: float | None
    idle_timeout: float | None
    client: httpx.Client | None = None
    async_client: httpx.AsyncClient | None = None

    def request(self, client: httpx.Client | httpx.AsyncClient, content: Any, length: int) -> httpx.Request:
        """Return the HTTP request.

        Raises:
            ConfigurationError: The client is closed, or the URL or a header can't be used.
        """
        if client.is_closed:
            raise ConfigurationError(f"the {type(client).__name__} that was passed has been closed")
        limits = self.timeout
        timeout = httpx.Timeout(
            connect=limits.connect, write=limits.write, pool=limits.pool, read=self.first_event_timeout
        )
        headers = {**self.headers, "content-length": str(length)}
        try:
            request = client.build_request("POST", self.url, content=content, headers=headers, timeout=timeout)
            if (request.url.port or 0) > 65_535:  # the system would take it modulo 65,536
                raise httpx.InvalidURL("there is no such port")
            return request
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ConfigurationError(f"base_url={self.url!r} or a header can't be used: {error}") from None


def headers(key: str, *, auth_scheme: str | None, default_headers: Mapping[str, str] | None) -> dict[str, str]:
    """Return the headers of every request, names in lower case; those of the user replace ours."""
    return {
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "user-agent": _USER_AGENT,
        "authorization": f"{auth_scheme} {key}" if auth_scheme else key,
        **{name.lower(): value for name, value in (default_headers or {}).items()},
    }
