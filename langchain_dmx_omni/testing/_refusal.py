"""A request that the service does not answer: the HTTP error it gives instead, in its words."""

from __future__ import annotations

from uuid import uuid4

from ._script import Script, error


class Refusal(Exception):
    """A request that the service answers with an HTTP error.

    Args:
        status: HTTP status.
        message: What the error's message says, without the request id.
        code: The error's `code`.
        param: The field of the request that it is about.
    """

    def __init__(self, status: int, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param

    def script(self) -> Script:
        """Return the HTTP error, with a new request id in its message and its header."""
        request_id = uuid4().hex
        text = f"{self.message} (request id: {request_id})"
        headers = {"x-request-id": request_id}
        return error(self.status, text, code=self.code, param=self.param, headers=headers)


def bad(message: str, param: str) -> Refusal:
    """Return a refusal by the endpoint itself."""
    return Refusal(400, message, code="invalid_parameter", param=param)


def upstream(message: str, param: str) -> Refusal:
    """Return a refusal that the model's own endpoint, behind this one, made."""
    text = f"<400> InternalError.Algo.InvalidParameter: {message}"
    return Refusal(400, text, code="bad_response_status_code", param=param)
