"""One HTTP call and everything that came back, byte for byte: for looking at what a service really sends."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import httpx

from langchain_dmx_omni.errors import ConfigurationError

from . import clients
from .deadlines import Deadline
from .http import _HTTPX_ERRORS, _map_error

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_BYTES = 64 << 20
"""Of a body; what comes after them is not read."""


class RawAnswer(NamedTuple):
    """An HTTP answer.

    Attributes:
        status: HTTP status.
        headers: Names in lower case.
        body: All of it that was read.
        first: Seconds from the end of sending to the first byte of the body.
        seconds: Seconds to its last byte.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    first: float
    seconds: float


def call(
    base_url: str,
    path: str,
    headers: Mapping[str, str],
    content: Iterable[bytes] | None = None,
    *,
    seconds: float = 120.0,
) -> RawAnswer:
    """Send one request, once, and read the whole answer, whatever its status.

    Args:
        base_url: The service.
        path: What is behind its address, such as `models`.
        headers: The request's headers.
        content: The body of a POST, in pieces; None for a GET.
        seconds: Of each wait for a byte.

    Raises:
        ConnectError, RequestTimeoutError, StreamInterruptedError: There was no answer, or no whole one.
        ConfigurationError: The URL can't be used.
    """
    shared = clients.client()
    deadline = Deadline(seconds, seconds)
    begun = False
    try:
        request = shared.client.build_request(
            "GET" if content is None else "POST",
            f"{base_url.rstrip('/')}/{path}",
            headers=dict(headers),
            content=None if content is None else b"".join(content),
            timeout=httpx.Timeout(seconds),
        )
    except (httpx.InvalidURL, UnicodeError) as error:
        clients.leave(shared)
        raise ConfigurationError(f"base_url can't be used: {type(error).__name__}") from None
    try:
        start = time.monotonic()
        response = shared.client.send(request, stream=True, follow_redirects=False)
        begun = True
        body, first = bytearray(), 0.0
        try:
            for piece in response.iter_bytes():
                first = first or time.monotonic() - start
                body += piece
                if len(body) > _MOST_BYTES:
                    break
        finally:
            response.close()
    except _HTTPX_ERRORS as error:
        raise _map_error(error, request, deadline, begun=begun) from error
    finally:
        clients.leave(shared)
    end = time.monotonic() - start
    return RawAnswer(response.status_code, response.headers, bytes(body), round(first, 3), round(end, 3))
