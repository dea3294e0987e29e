"""What the service says when it fails → the error that the user reads.

Bodies come in many shapes: `{"error": {"message", "type", "param", "code"}}`, the same without the outer key,
a blank message, a string, an HTML page of a proxy. Source: the service's error page and the gateways of its
family, as the tests' table of errors plays them.
"""

from __future__ import annotations

import codecs
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

# In lower case. Those in one word are the upstream's own.
_QUOTA_CODES = frozenset({"insufficient_quota", "insufficient_user_quota", "quota_not_enough", "arrearage"})
_CLIENT_CODES = frozenset(
    {
        "invalid_request",
        "invalid_request_error",
        "invalid_parameter",
        "invalidparameter",
        "invalid_value",
        "bad_response_status_code",
        "data_inspection_failed",
        "datainspectionfailed",
    }
)
_CONTEXT_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limit_error", "too_many_requests", "throttling"})
_AUTH_CODES = frozenset({"invalid_api_key", "invalidapikey", "invalid_token"})
_OWN_FAULT = re.compile("server|internal|upstream|unavailable|timeout|timed|overload|busy|bad_?response", re.IGNORECASE)
"""Codes and types by which the service calls a failure its own, or its upstream's."""

_RETRIES_WITHOUT_CHANNEL = 2
"""Retries for a 503: either no channel is free just now, or the model's name is wrong for good."""

_REQUEST_ID = re.compile(r"\(request id: ([^()]{1,200})\)", re.IGNORECASE)
_REQUEST_ID_HEADERS = ("x-request-id", "x-oneapi-request-id", "request-id")
_EXHAUSTED = re.compile(r"exhausted|额度", re.IGNORECASE)  # a 401 says so when the key's tokens are used up
_TAG = re.compile(r"<(?:(script|style)\b|[a-z!/?])", re.IGNORECASE)
_CHARSET = re.compile(rb"charset\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_EXCERPT = 200
"""Characters of a page, or of a body that is no JSON, that go into a message."""

_LONGEST_MESSAGE = 2_000
"""Characters of the service's own message that go into ours."""

_LONGEST_FACT = 200
"""Characters of a code, a parameter's name, a type or a request's id."""

_LONGEST_PAGE = 65_536
"""Characters of a page that are looked at."""

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

_REMEDIES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        (
            r"failed to download|download the media|download.{0,60}timed out",
            "The service could not download the media: its URL must be open to it without a login, a signed one must "
            "not have expired (publish the file anew), and networks far from it may be too slow. Local files can be "
            "sent inline, or published: media.video(path, publish=…)",
        ),
        (
            r"URL does not appear to be valid",
            "Give a public http(s) URL, or base64 as a data URL; media.image, media.audio and media.video make them",
        ),
        (r"file is too long", "The service takes an hour of video and three hours of sound: cut it with video.split"),
        (r"audio is empty", "There is no sound in what was sent: listen to it, or send it as video or images"),
        (
            r"data.?inspection.?failed|inappropriate content",
            "The service's content filter refused what was sent, or what the model was about to say",
        ),
        (r"voice '[^']{1,80}' is not supported", "langchain_dmx_omni.voices.names() lists the voices"),
    )
)
"""What the upstream's messages and codes mean, where they don't say what to do."""


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
    content = text(headers, body).strip()
    try:
        parsed = json.loads(content) if content else {}
    except (ValueError, RecursionError):
        parsed = {"message": excerpt(content)}
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
    if not isinstance(status, int):
        status = None
    # HTTP 200, and its body is an error instead of a stream: what the service has said so plainly stays so, unless
    # it calls the fault its own.
    whole = status is None and "json" in headers.get("content-type", "")
    return _build(status, facts, None, whole=whole)


def _build(
    status: int | None, facts: dict[str, Any], retry_after: float | None, *, whole: bool = False
) -> APIStatusError:
    message = facts.pop("message") or "no message"
    kind = _kind(status, facts["code"], facts["error_type"], message)
    if whole and kind is ServerError and not _OWN_FAULT.search(f"{facts['code']} {facts['error_type']}"):
        kind = BadRequestError
    code = f" ({facts['code']})" if facts["code"] and facts["code"] != str(status) else ""
    where = f"the service answered {status}{code}" if status else f"the service broke off the answer{code}"
    if whole:
        where = f"the service answered with an error in place of an answer{code}"
    message = message.strip().rstrip(".")
    request = f" (request id: {facts['request_id']})" if facts["request_id"] else ""
    bases = (NotFoundError,) if status == 405 else kind.__mro__  # both are what a wrong path gets
    hint = next((f". {_HINTS[base]}" for base in bases if base in _HINTS), None) or _remedy(message, facts["code"])
    return kind(
        f"{where}: {message}{request}{hint}",
        status_code=status,
        retry_after=retry_after,
        max_retries=_RETRIES_WITHOUT_CHANNEL if status == 503 else None,
        **facts,
    )


def _remedy(message: str, code: str | None) -> str:
    said = f"{code}: {message}"
    return next((f". {remedy}" for pattern, remedy in _REMEDIES if pattern.search(said)), "")


def _kind(status: int | None, code: str | None, error_type: str | None, message: str) -> type[APIStatusError]:
    """Return the class for a status; within a stream there is none, and the code alone decides."""
    code = code and code.lower()
    codes = {code, error_type and error_type.lower()}
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
    message = message[: 4 * _LONGEST_PAGE]
    match = _REQUEST_ID.search(message)
    message = _REQUEST_ID.sub("", message)
    kind = inner.get("type")
    return {
        "message": excerpt(message) if "<html" in message[:500].lower() else _cut(message.strip(), _LONGEST_MESSAGE),
        "code": _text(inner.get("code")),
        "param": _text(inner.get("param")),
        "error_type": None if kind in ("error", "response.failed") else _text(kind),
        "request_id": match[1] if match else _text(inner.get("request_id")),
    }


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else _cut(str(value), _LONGEST_FACT)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"


def text(headers: Mapping[str, str], body: bytes) -> str:
    """Return the text of a body that may be cut off anywhere, in the encoding that it is in.

    That is UTF-8, or what the headers or the page itself name, or what Chinese proxies write without a word (GBK).
    """
    names = [match[1].decode("ascii") for match in _CHARSET.finditer(_header(headers) + body[:1024])]
    for name in ("utf-8", *names, "gb18030"):
        with contextlib.suppress(LookupError, UnicodeError):
            if codecs.lookup(name)._is_text_encoding:  # others are packings, such as base64
                return codecs.getincrementaldecoder(name)("strict").decode(body)
    return body.decode("utf-8", "replace")


def _header(headers: Mapping[str, str]) -> bytes:
    return headers.get("content-type", "").encode("ascii", "replace") + b"\n"


def excerpt(text: str) -> str:
    """Return the readable beginning of an HTML page or of other text."""
    text = text[:_LONGEST_PAGE]
    title = _between(text, "<title", "</title")
    words = " ".join((_words(title).strip() or _words(text)).split())
    return _cut(words, _EXCERPT)


def _between(text: str, start: str, end: str) -> str:
    """Return what stands between a tag and its end; all of it is read once, whatever it holds."""
    lower = text.lower()
    if len(lower) != len(text):  # some letters are two in lower case
        lower = text
    opened = lower.find(start)
    begin = lower.find(">", opened) + 1 if opened >= 0 else 0
    return text[begin : max(begin, lower.find(end, begin))] if begin else ""


def _words(page: str) -> str:
    """Return what a page says outside its tags, scripts and styles. Each character is looked at once."""
    pieces, at = [], 0
    while tag := _TAG.search(page, at):
        end = page.find(">", tag.end())
        if end >= 0 and tag[1]:
            close = re.compile(f"</{tag[1]}", re.IGNORECASE).search(page, end)
            end = page.find(">", close.end()) if close else len(page)
        if end < 0:  # no tag, or one that is cut off
            break
        pieces.append(page[at : tag.start()])
        at = end + 1
    return " ".join([*pieces, page[at:]])
