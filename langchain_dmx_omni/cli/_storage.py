"""`--storage-option KEY=VALUE`: what it takes to reach object storage, for LanceDB and for fsspec alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import typer

_OPTION = "--storage-option"
_S3 = {
    # What people write, as fsspec or LanceDB calls it → as LanceDB and as fsspec call it.
    "key": ("aws_access_key_id", "key"),
    "secret": ("aws_secret_access_key", "secret"),
    "token": ("aws_session_token", "token"),
    "endpoint_url": ("aws_endpoint", "endpoint_url"),
    "region": ("aws_region", "region_name"),
}
_CALLED = {name: common for common, names in _S3.items() for name in (common, *names)}


def parsed(pairs: Sequence[str] | None) -> dict[str, str]:
    """Return the options that are written as KEY=VALUE.

    Raises:
        typer.BadParameter: One isn't.
    """
    options = {}
    for pair in pairs or ():
        name, sign, value = pair.partition("=")
        if not sign or not name.strip():
            # A secret may stand in it: the part before the sign alone is repeated.
            raise typer.BadParameter("write KEY=VALUE, such as endpoint_url=http://127.0.0.1:9000", param_hint=_OPTION)
        options[name.strip()] = value
    return options


def for_lance(options: Mapping[str, str], url: str) -> dict[str, str]:
    """Return the options by LanceDB's names.

    Args:
        options: What `parsed` gave.
        url: The library's place.
    """
    if not _is_s3(url):
        return dict(options)
    named = {_S3[_CALLED[name]][0] if name in _CALLED else name: value for name, value in options.items()}
    if named.get("aws_endpoint", "").startswith("http://"):
        named.setdefault("allow_http", "true")
    return named


def for_fsspec(options: Mapping[str, str], url: str) -> dict[str, Any]:
    """Return the options by fsspec's names; what only LanceDB knows is left out.

    Args:
        options: What `parsed` gave.
        url: The place.
    """
    if not _is_s3(url):
        return dict(options)
    named: dict[str, Any] = {_S3[_CALLED[name]][1]: value for name, value in options.items() if name in _CALLED}
    region = named.pop("region_name", None)
    return named if region is None else {**named, "client_kwargs": {"region_name": region}}


def _is_s3(url: str) -> bool:
    return url.lower().startswith(("s3://", "s3a://"))
