"""Who may ask: a browser on this machine that was given the token. Pure.

A page of somebody else's, open in the same browser, can send requests to loopback too. It knows no token, its name in
`Host` is another one even where its DNS answers with 127.0.0.1, and its `Origin` gives it away.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qs

HEADERS = (
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cache-control", "no-store"),
)
"""Headers of every response: the page loads nothing from anywhere else, and nobody frames it."""

_NAMES = ("127.0.0.1", "localhost", "[::1]")
_BEARER = "bearer "


class Refused(NamedTuple):
    """Why a request is not answered."""

    status: int
    message: str


class Guard:
    """Lets in what comes from the page itself.

    Args:
        token: What the page's address holds.
        port: Where the page is served.
    """

    def __init__(self, token: str, port: int) -> None:
        self._token = token.encode()
        self._hosts = {f"{name}:{port}" for name in _NAMES} | (set(_NAMES) if port == 80 else set())
        self._cookie = f"dmx_omni_{port}"  # cookies know no ports: two pages would share one

    def refusal(self, method: str, headers: Iterable[tuple[str, str]]) -> Refused | None:
        """Return why a request is refused whatever it knows, or None."""
        fields = list(headers)
        hosts = [value for name, value in fields if name == "host"]
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return Refused(421, "This page is for this machine alone: open the address that dmx-omni web printed.")
        origin = dict(fields).get("origin")
        if method not in ("GET", "HEAD") and origin is not None and origin.removeprefix("http://") not in self._hosts:
            return Refused(403, "Another site asked for this.")
        return None

    def holds_token(self, query: str) -> bool:
        """Whether an address holds the token, as the one does that is printed."""
        return any(map(self._is_token, parse_qs(query).get("token", ())))

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the token: in the page's cookie, or as `Authorization: Bearer`."""
        authorization = headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER) and self._is_token(authorization[len(_BEARER) :].strip()):
            return True
        pairs = (pair.strip().partition("=") for pair in headers.get("cookie", "").split(";"))
        return any(name == self._cookie and self._is_token(value) for name, _, value in pairs)

    def cookie(self) -> str:
        """Return the header by which the browser keeps the token until it is closed."""
        return f"{self._cookie}={self._token.decode()}; Path=/; HttpOnly; SameSite=Lax"

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode("utf-8", "replace"), self._token)
