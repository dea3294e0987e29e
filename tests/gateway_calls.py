"""Raw requests to the local gateway, and what its events say."""

from __future__ import annotations

import json
from typing import Any

import httpx

from langchain_dmx_omni.testing import LocalGateway

MODEL = "qwen3.5-omni-plus-all"

# One client, since each reads the system's certificates anew; a connection a request, since gateways come and go.
HTTP = httpx.Client(verify=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0), trust_env=False)


def request(*parts: dict[str, Any], **options: Any) -> dict[str, Any]:
    """A request that asks what happens here, with media before the question."""
    content = [*parts, {"type": "text", "text": "What happens here?"}]
    return {"model": MODEL, "stream": True, "input": [{"role": "user", "content": content}]} | options


def saying(*items: Any, **options: Any) -> dict[str, Any]:
    """A request with these items; a string is a user message."""
    messages = [{"role": "user", "content": item} if isinstance(item, str) else item for item in items]
    return request(**options) | {"input": messages}


def post(gateway: LocalGateway, body: Any, *, key: str = "sk-local", path: str = "/responses") -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HTTP.post(gateway.base_url + path, content=content, headers={"authorization": key})


def events_of(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    lines = [line.removeprefix("data: ") for line in response.text.split("\n") if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def text_of(response: httpx.Response) -> str:
    return "".join(event["delta"] for event in events_of(response) if event["type"] == "response.output_text.delta")


def calls_of(response: httpx.Response) -> list[tuple[str, dict[str, Any]]]:
    """Name and arguments of each call, as the end of the answer repeats them."""
    output = events_of(response)[-1]["response"]["output"]
    return [(item["name"], json.loads(item["arguments"])) for item in output if item["type"] == "function_call"]
