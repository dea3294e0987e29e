"""`ERRORS`: every HTTP error the service is known for, one named script each.

Statuses, codes and messages are those of DMXAPI's error page; the shapes are those seen on gateways of its family.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from ._script import Script, error

_ID: Final = "20260101120000123456789AbCdEfGh"
_SATURATED: Final = "当前分组上游负载已饱和，请稍后再试"
_QUOTA: Final = "The quota of this key is used up"
_NO_CHANNEL: Final = "No available channel for model {model} under group default"


def _identified(message: str) -> str:
    return f"{message} (request id: {_ID})"


ERRORS: Final[dict[str, Callable[[], Script]]] = {
    # final whatever one does
    "400": partial(error, 400, _identified("Invalid parameter: stream must be true"), code="invalid_parameter"),
    "400_bad_response_status_code": partial(
        error, 400, _identified("upstream refused the request"), code="bad_response_status_code", param="400"
    ),
    "401_invalid_token": partial(error, 401, _identified("Invalid token")),
    "401_exhausted": partial(error, 401, _identified("Token amount has been exhausted")),
    "403_quota": partial(error, 403, _identified(_QUOTA), code="insufficient_user_quota"),
    "403_group": partial(error, 403, _identified("No permission for group vip")),
    "404_url": partial(error, 404, "Invalid URL (POST /v1/response)", type="invalid_request_error", code="invalid_url"),
    "404_model": partial(error, 404, _identified("The model is not open"), code="model_not_found"),
    "413": partial(error, 413, _identified("Request body is too long")),
    # worth another try
    "429": partial(error, 429, _identified(_SATURATED)),
    "429_retry_after": partial(error, 429, _identified(_SATURATED), headers={"retry-after": "0.05"}),
    "429_retry_after_whole_second": partial(error, 429, _identified(_SATURATED), headers={"retry-after": "1"}),
    "500": partial(error, 500, _identified("Internal server error"), code="internal_server_error"),
    "502": partial(error, 502, _identified("Bad gateway"), type="openai_error", code="bad_response"),
    "503": partial(error, 503, _identified(_NO_CHANNEL.format(model="qwen3.5-omni-plus-all")), code="model_not_found"),
    "504": partial(error, 504, _identified("Upstream timed out")),
    "524_html": partial(error, 524, "A timeout occurred", shape="html"),
    # what looks worth another try, and is not
    "500_invalid_request": partial(error, 500, _identified("field input is required"), code="invalid_request"),
    "429_insufficient_quota": partial(error, 429, _identified(_QUOTA), code="insufficient_quota"),
    "500_insufficient_user_quota": partial(error, 500, _identified(_QUOTA), code="insufficient_user_quota"),
    "503_quota_not_enough": partial(error, 503, _identified(_QUOTA), code="quota_not_enough"),
    # shapes of the body
    "shape_flat": partial(error, 400, "bad request", code="invalid_parameter", shape="flat"),
    "shape_blank": partial(error, 500, shape="blank"),
    "shape_empty": partial(error, 502, shape="empty"),
    "shape_html": partial(error, 502, "Bad Gateway", shape="html"),
    "type_new_api_error": partial(error, 400, _identified("bad request"), type="new_api_error"),
    "type_openai_error": partial(error, 400, _identified("bad request"), type="openai_error"),
    "type_invalid_request_error": partial(error, 400, "bad request", type="invalid_request_error", param="input"),
    # where the request's id is
    "request_id_in_message": partial(error, 400, _identified("bad request")),
    "request_id_in_header": partial(error, 400, "bad request", headers={"x-request-id": _ID}),
    "request_id_in_oneapi_header": partial(error, 400, "bad request", headers={"x-oneapi-request-id": _ID}),
    "request_id_in_both": partial(error, 400, _identified("bad request"), headers={"X-Request-Id": _ID}),
    "request_id_nowhere": partial(error, 400, "bad request"),
}
"""Name → script. Names start with the status, or with what the entry varies."""

REQUEST_ID: Final = _ID
"""The request id that the entries of `ERRORS` carry."""
