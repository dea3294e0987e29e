"""Every error of this package, and what langchain-core calls it.

The last column says what is tried again, up to `max_retries` times, and nothing else does::

    DMXOmniError                        ModelError                                                         retried
    ├── InvalidInputError               ModelInvalidRequestError, ValueError   nothing was sent              no
    │   ├── ConfigurationError                                                 no key, a wrong option        no
    │   ├── ContentBlockError                                                  a block that is not taken     no
    │   ├── MediaTooLargeError                                                 over the inline limit         no
    │   └── NoSpeechError                                                      a message without speech      no
    ├── APIStatusError                  the service answered with an error                                   no
    │   ├── BadRequestError             ModelInvalidRequestError, ValueError   400, any other 4xx            no
    │   │   └── ContextLengthError      ContextOverflowError                   413: the input is too long    no
    │   ├── AuthenticationError         ModelAuthenticationError, ValueError   401                           no
    │   ├── PermissionDeniedError       ModelPermissionDeniedError, ValueError 403                           no
    │   │   └── QuotaExceededError                                             quota used up, any status     no
    │   ├── NotFoundError               ModelNotFoundError, ValueError         404                           no
    │   ├── RateLimitError              ModelRateLimitError                    429                           yes
    │   └── ServerError                 ModelAPIError                          408, 500, 502, any other 5xx  yes
    │                                                                          503: no channel               twice
    ├── ConnectError                    ModelConnectionError                   the service can't be reached  yes
    │   └── CertificateError            ValueError                             its certificate is no good    no
    ├── RequestTimeoutError             ModelTimeoutError                                                    yes
    │   ├── ConnectTimeoutError                                                no connection in time         yes
    │   ├── WriteTimeoutError                                                  not sent in time              yes
    │   ├── FirstEventTimeoutError                                             no first event in time        yes
    │   └── IdleTimeoutError            (and StreamInterruptedError)           no further event in time      yes
    ├── StreamInterruptedError          ModelConnectionError                   the answer broke off midway   yes
    ├── ProtocolError                   ModelAPIError                          it can't be understood        yes
    │   └── AnswerTooLargeError         ValueError                             over the bounds that are set  no
    ├── UnreadableAnswerError           ModelAPIError                          it does not fit its schema    yes
    ├── EmptyAnswerError                ModelAPIError                          nothing in it                 known voice
    └── StorageError                    OSError                                a full disk, a shut folder    no

A streamed answer is tried again only until its first chunk is out. Errors that a second try can't mend are also
`ValueError`, because LangGraph's default retry policy leaves those alone. Whether a retry may help is
`error.is_retryable`, langchain-core's own name for it.
"""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.messages import AIMessage
    from pydantic import BaseModel

__all__ = [
    "APIStatusError",
    "AnswerTooLargeError",
    "AuthenticationError",
    "BadRequestError",
    "CertificateError",
    "ConfigurationError",
    "ConnectError",
    "ConnectTimeoutError",
    "ContentBlockError",
    "ContextLengthError",
    "DMXOmniError",
    "DMXOmniWarning",
    "EmptyAnswerError",
    "FirstEventTimeoutError",
    "IdleTimeoutError",
    "InvalidInputError",
    "MediaTooLargeError",
    "NoSpeechError",
    "NotFoundError",
    "PermissionDeniedError",
    "ProtocolError",
    "QuotaExceededError",
    "RateLimitError",
    "RequestTimeoutError",
    "ServerError",
    "StorageError",
    "StreamInterruptedError",
    "UnreadableAnswerError",
    "WriteTimeoutError",
]


def __dir__() -> list[str]:
    return __all__


class DMXOmniWarning(UserWarning):
    """Something was not as asked, and the answer is still right: a misspelt argument, an answer cut short."""


class DMXOmniError(ModelError):
    """Base of every error of this package.

    Attributes:
        partial: What had arrived of the answer when it broke off, or None.
    """

    partial: AIMessage | None = None


# Before anything is sent


class InvalidInputError(DMXOmniError, ModelInvalidRequestError, ValueError):
    """The request can't be built. Nothing was sent."""


class ConfigurationError(InvalidInputError):
    """An option is missing or can't be used, such as the API key."""


class ContentBlockError(InvalidInputError):
    """A content block can't be sent. The message names its type and its place."""


class MediaTooLargeError(InvalidInputError):
    """Media is over the service's inline limit.

    Attributes:
        size: Bytes of the data URL, as it would be sent; of the file, where it can't be fitted into a budget.
        limit: Bytes that the service takes; the budget.
    """

    size: int = 0
    limit: int = 0


class NoSpeechError(InvalidInputError):
    """A message holds no speech, or speech of a kind that can't be read as WAV."""


# The service answered with an error


class APIStatusError(DMXOmniError):
    """The service answered with an error, as an HTTP status or in the middle of a stream.

    Attributes:
        status_code: HTTP status; None when the error came within a stream.
        code: The body's `code`, such as `insufficient_user_quota`.
        param: The body's `param`.
        error_type: The body's `type`, such as `rix_api_error`.
        request_id: The service's id for the call, for its support; from the body or a header.
        retry_after: Seconds that the service asks to wait, or None.
        max_retries: Most retries worth making for this error, or None for no bound of its own.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int | None = None,
        code: str | None = None,
        param: str | None = None,
        error_type: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        max_retries: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.param = param
        self.error_type = error_type
        self.request_id = request_id
        self.retry_after = retry_after
        self.max_retries = max_retries


class BadRequestError(APIStatusError, ModelInvalidRequestError, ValueError):
    """The service calls the request wrong (400, another 4xx, or a 500 whose code says so)."""


class ContextLengthError(BadRequestError, ContextOverflowError):
    """The input is longer than the model's context (413, or a code that says so)."""


class AuthenticationError(APIStatusError, ModelAuthenticationError, ValueError):
    """The key is wrong, or belongs to another host (401)."""


class PermissionDeniedError(APIStatusError, ModelPermissionDeniedError, ValueError):
    """The key may not do this (403)."""


class QuotaExceededError(PermissionDeniedError):
    """The account's quota is used up, whatever the status says."""


class NotFoundError(APIStatusError, ModelNotFoundError, ValueError):
    """Wrong URL, or the model is not open to this key (404)."""


class RateLimitError(APIStatusError, ModelRateLimitError):
    """The service is saturated (429)."""


class ServerError(APIStatusError, ModelAPIError):
    """The service or its upstream failed (408, 5xx, or a failure within the stream)."""


# The connection


class ConnectError(DMXOmniError, ModelConnectionError):
    """The service can't be reached, or the connection broke before the answer began."""


class CertificateError(ConnectError, ValueError):
    """The service's certificate can't be trusted, and a second try finds the same one."""

    is_retryable = False


class RequestTimeoutError(DMXOmniError, ModelTimeoutError):
    """A deadline passed."""


class ConnectTimeoutError(RequestTimeoutError):
    """No connection within `timeout`."""


class WriteTimeoutError(RequestTimeoutError):
    """The request could not be sent within `timeout`."""


class FirstEventTimeoutError(RequestTimeoutError):
    """No event within `first_event_timeout`."""


class StreamInterruptedError(DMXOmniError, ModelConnectionError):
    """The answer broke off midway; `partial` holds what had arrived."""


class IdleTimeoutError(StreamInterruptedError, RequestTimeoutError):
    """No further event within `idle_timeout`; `partial` holds what had arrived."""


# What arrived


class ProtocolError(DMXOmniError, ModelAPIError):
    """What arrived is not what the protocol says, such as JSON that does not parse."""


class AnswerTooLargeError(ProtocolError, ValueError):
    """An event, or the whole answer, is longer than `max_event_bytes` or `max_answer_bytes`."""

    is_retryable = False


class UnreadableAnswerError(DMXOmniError, ModelAPIError):
    """A structured answer is cut off, holds no object, or does not fit its schema; `partial` holds it.

    Jobs ask once more before they raise it.
    """


class EmptyAnswerError(DMXOmniError, ModelAPIError):
    """HTTP 200 and nothing in it: what the service does for a voice that it does not know.

    An unknown voice stays unknown, so a second try is not made by itself.
    """

    is_retryable = False


# This machine


class StorageError(DMXOmniError, OSError):
    """A folder or a file of the package's own can't be written or read: the message names the place and a remedy.

    Attributes:
        path: The place, or None where the system does not say.
        answers: A job's answers that were paid for and could not be kept, by the names they would be kept under.
    """

    is_retryable = False
    path: str | None = None
    answers: Mapping[str, BaseModel] = MappingProxyType({})

    @classmethod
    def of(cls, error: OSError, doing: str, path: str | os.PathLike[str] | None, remedy: str) -> Self:
        """Return the error for one of the system's, with its `errno`.

        Args:
            error: What the system says.
            doing: What was being done, such as `"keep an answer"`.
            path: The place; None for the one that the system's error names.
            remedy: What to do about it.
        """
        place = os.fspath(path) if path is not None else error.filename
        what = error.strerror or str(error) or type(error).__name__
        where = f" in {place}" if place else ""
        storage = cls(f"can't {doing}{where}: {what}; {remedy}")
        storage.errno, storage.path = error.errno, place
        return storage
