"""A real S3 server on loopback (moto's), with one bucket in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import fsspec
import pytest
from moto.server import ThreadedMotoServer

from langchain_dmx_omni import media

BUCKET = "films"


@dataclass
class S3:
    """The server: its endpoint, and what opens it."""

    endpoint: str
    options: dict[str, Any] = field(default_factory=dict)

    def place(self, folder: str = f"s3://{BUCKET}/long", **options: Any) -> media.Place:
        """A place to publish to."""
        return media.Place(folder, **{**self.options, **options})

    def url(self, path: str) -> str:
        """The address of something in the bucket."""
        return f"s3://{BUCKET}/{path}"

    def environment(self) -> dict[str, str]:
        """What makes it the S3 of a process."""
        key, secret = self.options["key"], self.options["secret"]
        return {"AWS_ENDPOINT_URL": self.endpoint, "AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret}

    def files(self) -> Any:
        """The server's files, as fsspec sees them."""
        files = fsspec.filesystem("s3", **self.options)
        files.invalidate_cache()
        return files

    def names(self) -> list[str]:
        """All that is in the bucket."""
        return sorted(self.files().find(BUCKET))

    def uploads(self) -> list[Any]:
        """Uploads that were begun and neither finished nor given up."""
        answer = self.files().call_s3("list_multipart_uploads", Bucket=BUCKET)
        return [*answer.get("Uploads", [])]


@contextmanager
def serving() -> Iterator[S3]:
    """Serve, until the end of the block."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        options = {"key": "test-key", "secret": "test-s3cret-0123456789", "endpoint_url": endpoint}
        s3 = S3(endpoint, options)
        s3.files().makedirs(BUCKET, exist_ok=True)  # all servers of a process share what they hold
        yield s3
    finally:
        server.stop()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    """The server."""
    with serving() as server:
        yield server
