"""A real S3 server on loopback, for tests of what is kept elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.request import Request, urlopen

import pytest


class S3(NamedTuple):
    """A bucket on the server."""

    endpoint: str
    bucket: str
    storage_options: Mapping[str, Any]

    def url(self, path: str) -> str:
        return f"s3://{self.bucket}/{path}"


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """An S3 server with an empty bucket."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        with urlopen(Request(f"{endpoint}/answers", method="PUT")):
            pass
        yield S3(endpoint, "answers", {"key": "test", "secret": "test", "endpoint_url": endpoint})
    finally:
        server.stop()
