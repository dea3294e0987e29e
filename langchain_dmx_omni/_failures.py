"""What the service says when it fails → the error that the user reads.

Bodies come in many shapes: `{"error": {"message", "type", "param", "code"}}`, the same without the outer key,
a blank message, a string, an HTML page of a proxy. Source: the service's error page and the gateways of its
family, as the tests' table of errors plays them.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from .errors import (
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ContextLengthError,
    NotFoundError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_QUOTA_CODES = frozenset({"insufficient_quota", "insufficient_user_quota", "quota_not_enough"})
_CLIENT_CODES = frozenset({"invalid_request", "invalid_request_error", "bad_response_status_code", "invalid_value"})
_CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "too_many_requests"})
_AUTH_CODES = frozenset({"invalid_api_key", "invalid_token"})
_RETRIES_WITHOUT_CHANNEL = 2
"""Retries for a 503: either no channel is free just now, or the model's name is wrong for good."""

_REQUEST_ID = re.compile(r"\(request id: ([^)]+)\)", re.IGNORECASE)
_REQUEST_ID_HEADERS = ("x-request-id", "x-oneapi-request-id", "request-id")
_EXHAUSTED = re.compile(r"exhausted|额度", re.IGNORECASE)  # a 401 says so when the key's tokens are used up
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.DOTALL | re.IGNORECASE)
_TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_EXCERPT = 200
"""Characters of a page, or of a body that is no JSON, that go into a message."""

_HINTS: dict[type[APIStatusError], str] = {
    AuthenticationError: (
        "Check the key, and that it belongs to this host: a key of one DMXAPI host is unknown to the others"
    ),
    QuotaExceededError: "The account or the key has no quota left: top it up",
    PermissionDeniedError: "Check the quota and the group of the key",
    NotFoundError: "Check base_url, and that the model is open to this key",
    RateLimitError: "The service is saturated: try later, or raise max_retries",
    ContextLengthError: "Send less: drop old media with media.strip, or split the input",
}


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the service's id for a call from the answer's headers."""
    return next((headers[name] for name in _REQUEST_ID_HEADERS if headers.get(name)), None)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a `Retry-After` header asks to wait, given as a number or as a date."""
    value = (headers.get("retry-after") or "").strip()
    if not value:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(value)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    with contextlib.suppress(ValueError):
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    return None


def from_response(status: int, headers: Mapping[str, str], body: bytes) -> APIStatusError:
    """Return the error for an HTTP answer that is not a stream of events."""
    text = body.decode("utf-8", "replace").strip()
    try:
        parsed = json.loads(text) if text else {}
    except ValueError:
        parsed = {"message": excerpt(text)}
    facts = _facts(parsed)
    if facts["request_id"] is None:
        facts["request_id"] = request_id(headers)
    return _build(status, facts, retry_after(headers))


def from_event(event: Mapping[str, Any], headers: Mapping[str, str]) -> APIStatusError:
    """Return the error that came within a stream: `error`, `response.failed`, or an object with an `error`."""
    facts = _facts(event)
    if facts["request_id"] is None:
        facts["request_id"] = request_id(headers)
    status = event.get("status_code")
    if status is None and isinstance(facts["code"], str) and re.fullmatch("[45][0-9]{2}", facts["code"]):
        status = int(facts["code"])  # bridges pass their upstream's status on as the code
    return _build(status if isinstance(status, int) else None, facts, None)


def _build(status: int | None, facts: dict[str, Any], retry_after: float | None) -> APIStatusError:
    message = facts.pop("message") or "no message"
    kind = _kind(status, facts["code"], facts["error_type"], message)
    code = f" ({facts['code']})" if facts["code"] and facts["code"] != str(status) else ""
    where = f"the service answered {status}{code}" if status else f"the service broke off the answer{code}"
    message = _REQUEST_ID.sub("", message).strip().rstrip(".")
    request = f" (request id: {facts['request_id']})" if facts["request_id"] else ""
    hint = next((f". {_HINTS[base]}" for base in kind.__mro__ if base in _HINTS), "")
    return kind(
        f"{where}: {message}{request}{hint}",
        status_code=status,
        retry_after=retry_after,
        max_retries=_RETRIES_WITHOUT_CHANNEL if status == 503 else None,
        **facts,
    )


def _kind(status: int | None, code: str | None, error_type: str | None, message: str) -> type[APIStatusError]:
    """Return the class for a status; within a stream there is none, and the code alone decides."""
    codes = {code, error_type}
    if codes & _QUOTA_CODES or (status == 401 and _EXHAUSTED.search(message)):
        return QuotaExceededError
    if codes & _CONTEXT_CODES or status == 413:
        return ContextLengthError
    if status == 401 or (status is None and codes & _AUTH_CODES):
        return AuthenticationError
    if status == 403:
        return PermissionDeniedError
    if status == 404 or (status is None and code == "model_not_found"):
        return NotFoundError
    if status == 408:
        return ServerError
    if status == 429 or (status is None and codes & _RATE_CODES):
        return RateLimitError
    # Some of the caller's mistakes arrive as a 500; only the code tells them from the service's own.
    if code in _CLIENT_CODES or (status is None and error_type in _CLIENT_CODES):
        return BadRequestError
    if status is not None and status < 500:
        return BadRequestError
    return ServerError


def _facts(body: Any) -> dict[str, Any]:
    """Return `message`, `code`, `param`, `error_type` and `request_id` from a body of any shape."""
    if isinstance(body, dict) and isinstance(body.get("response"), dict):
        body = body["response"]
    inner = body.get("error") if isinstance(body, dict) else body
    if isinstance(inner, str):
        inner = {"message": inner}
    if not isinstance(inner, dict):
        inner = body if isinstance(body, dict) else {}
    message = inner.get("message") or inner.get("msg") or inner.get("detail") or ""
    message = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
    match = _REQUEST_ID.search(message)
    kind = inner.get("type")
    return {
        "message": excerpt(message) if "<html" in message[:500].lower() else message.strip(),
        "code": _text(inner.get("code")),
        "param": _text(inner.get("param")),
        "error_type": None if kind in ("error", "response.failed") else _text(kind),
        "request_id": match[1] if match else _text(inner.get("request_id")),
    }


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def excerpt(text: str) -> str:
    """Return the readable beginning of an HTML page or of other text."""
    title = _TITLE.search(text)
    words = " ".join(_TAGS.sub(" ", title[1] if title and title[1].strip() else text).split())
    return words if len(words) <= _EXCERPT else f"{words[:_EXCERPT]}…"
