"""What `doctor` looks at, and what to do about it. None of it costs anything, but for the call at the end."""

from __future__ import annotations

import errno
import importlib.util
import json
import os
import platform
import ssl
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from langchain_core.messages import HumanMessage

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._failures import from_response
from langchain_dmx_omni._transport import raw
from langchain_dmx_omni._transport.endpoint import headers, without_user_info
from langchain_dmx_omni.errors import CertificateError, ConfigurationError, DMXOmniError

from . import _output, _prices
from ._prices import Prices

State = Literal["ok", "note", "wrong"]

_EXTRAS = {
    "cli": ("rich", "typer"),
    "video": ("av", "platformdirs", "tqdm"),
    "image": ("PIL", "pi_heif"),
    "local": ("uvicorn", "av", "espeakng_loader"),
    "web": ("uvicorn", "av", "PIL"),
    "library": ("lancedb", "pyarrow", "fsspec", "langgraph"),
}
_SISTERS = ("www.dmxapi.cn", "www.dmxapi.com", "ssvip.dmxapi.com")
"""Hosts of the service: a key belongs to one of them."""
_SECONDS = 20.0
"""Of each wait for the service."""


class Check(NamedTuple):
    """What was looked at.

    Attributes:
        name: What it is.
        state: `"ok"`, `"note"` for what may be meant, `"wrong"` for what can't work.
        said: What was found.
        remedy: What to do about it; empty where nothing is to be done.
    """

    name: str
    state: State
    said: str
    remedy: str = ""


def checks(llm: ChatDMXOmni, prices: Prices, *, call: bool) -> Iterator[Check]:
    """Yield what is looked at, in order; after something that can't work, what would need it is left out.

    Args:
        llm: The key, the host and the model.
        prices: For the call's estimated cost.
        call: Whether to ask one small question, which costs.
    """
    yield _versions()
    yield _extras()
    key = _key(llm)
    yield key
    host = _host(llm.base_url)
    yield host
    if host.state == "wrong":
        return
    yield _proxy(llm.base_url)
    yield from _certificates()
    if key.state == "wrong":
        return
    reached = _models(llm)
    yield from reached
    if call and not any(each.state == "wrong" for each in reached):
        yield _call(llm, prices)


def _versions() -> Check:
    packages = ("langchain-dmx-omni", "langchain-core", "httpx", "pydantic")
    listed = [f"{package} {_version(package)}" for package in packages]
    system = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check("versions", "ok", f"{', '.join(listed)}; {system}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(unknown)"


def _extras() -> Check:
    there = {name: all(map(importlib.util.find_spec, packages)) for name, packages in _EXTRAS.items()}
    missing = [name for name, whole in there.items() if not whole]
    said = f"installed: {', '.join(name for name, whole in there.items() if whole) or 'none'}"
    if not missing:
        return Check("extras", "ok", said)
    remedy = f'if you need them: pip install "langchain-dmx-omni[{",".join(missing)}]"'
    return Check("extras", "note", f"{said}; missing: {', '.join(missing)}", remedy)


def _key(llm: ChatDMXOmni) -> Check:
    try:
        key = llm._key()
    except ConfigurationError as error:
        return Check("key", "wrong", _output.one_line(error), "export DMXAPI_API_KEY=sk-… (from the service's website)")
    if key.lower().startswith("bearer "):
        remedy = "set the key alone; auth_scheme='Bearer' adds the word"
        return Check("key", "wrong", "the key begins with 'Bearer'", remedy)
    said = f"there is one, of {len(key)} characters"
    if not key.startswith("sk-"):
        return Check("key", "note", f"{said}, and it doesn't begin with sk-", "compare it with the service's website")
    return Check("key", "ok", said)


def _host(base_url: str) -> Check:
    shown = without_user_info(base_url)
    try:
        parts = urlsplit(base_url)
        loopback = parts.hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError as error:
        return Check("host", "wrong", f"{shown}: {error}", "set DMXAPI_BASE_URL=https://www.dmxapi.cn/v1")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return Check("host", "wrong", f"{shown} is no address", "set DMXAPI_BASE_URL=https://www.dmxapi.cn/v1")
    if not parts.path.rstrip("/").endswith("/v1"):
        return Check(
            "host", "note", f"{shown} doesn't end in /v1, as the service's address does", f"try {shown.rstrip('/')}/v1"
        )
    if parts.scheme == "http" and not loopback:
        return Check("host", "note", f"{shown}: http sends the key unencrypted", "use https")
    return Check("host", "ok", f"{shown}{' (this machine)' if loopback else ''}")


def _proxy(base_url: str) -> Check:
    host, proxy = urlsplit(base_url).hostname or "", _proxy_of(base_url)
    if not proxy:
        return Check("proxy", "ok", "none")
    shown = without_user_info(proxy)
    if proxy_bypass(host):
        return Check("proxy", "ok", f"{shown}, and NO_PROXY spares this host")
    return Check("proxy", "note", f"requests go through {shown}", f"if they should not: export NO_PROXY={host}")


def _proxy_of(base_url: str) -> str | None:
    proxies = getproxies()
    return proxies.get(urlsplit(base_url).scheme) or proxies.get("all")


def _certificates() -> Iterator[Check]:
    """Look at the files that the environment names; those of httpx are fine."""
    named = {name: value for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if (value := os.environ.get(name))}
    for name, value in named.items():
        remedy = f"correct {name}, or unset it"
        try:
            if name == "SSL_CERT_FILE":
                ssl.create_default_context(cafile=value)
            elif not Path(value).is_dir():
                raise FileNotFoundError(errno.ENOENT, "there is no such folder")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            yield Check("certificates", "wrong", f"{name}={value} can't be used: {reason}", remedy)
        else:
            yield Check("certificates", "ok", f"those of {name}={value}")
    if not named:
        yield Check("certificates", "ok", "those that come with httpx")


def _models(llm: ChatDMXOmni) -> list[Check]:
    """Ask for the list of models, which costs nothing and needs the right key."""
    try:
        answer = _listed(llm, llm.base_url)
    except DMXOmniError as error:
        return [Check("service", "wrong", _output.one_line(error), _way_out(error, llm.base_url))]
    if answer.status == 401:
        return [Check("pairing", "wrong", "the service doesn't know this key (401)", _sister(llm))]
    if answer.status in (404, 405, 501):
        return [Check("service", "ok", f"it is there, and lists no models ({answer.status})")]
    if answer.status != 200:
        refusal = str(from_response(answer.status, answer.headers, answer.body))
        refusal = llm._secrets(llm._key()).redact(refusal)
        return [Check("service", "wrong", _output.one_line(refusal), "try again later")]
    names = _names(answer.body)
    if names is None:
        said = "it answers with something that is no list of models"
        return [Check("service", "wrong", said, "check DMXAPI_BASE_URL: a login page of a proxy looks like this")]
    found = [Check("pairing", "ok", f"key and host go together ({answer.seconds:.1f} s)")]
    if llm.model in names:
        return [*found, Check("model", "ok", f"{llm.model} is open to this key")]
    similar = ", ".join(sorted(name for name in names if "omni" in name)[:5])
    return [
        *found,
        Check(
            "model",
            "note",
            f"{llm.model} is not among the {len(names)} models that are listed for this key",
            f"others: {similar}" if similar else "ask the service to open it for the key's group",
        ),
    ]


def _listed(llm: ChatDMXOmni, base_url: str) -> raw.RawAnswer:
    head = headers(llm._key(), auth_scheme=llm.auth_scheme, default_headers=llm.default_headers)
    return raw.call(base_url, "models", {**head, "accept": "application/json"}, seconds=_SECONDS)


def _names(body: bytes) -> set[str] | None:
    try:
        listed = json.loads(body)["data"]
        return {str(each["id"]) for each in listed}
    except (ValueError, KeyError, TypeError):
        return None


def _sister(llm: ChatDMXOmni) -> str:
    """Return what to do about a key that a host doesn't know: perhaps another host of the service does."""
    parts = urlsplit(llm.base_url)
    if parts.hostname not in _SISTERS:
        return "check the key: is it this server's? (if it wants 'Bearer' before it: auth_scheme, in Python)"
    for host in _SISTERS:
        if host == parts.hostname:
            continue
        try:
            known = _listed(llm, f"https://{host}/v1").status == 200
        except DMXOmniError:
            continue
        if known:
            return f"it belongs to another host of the service: export DMXAPI_BASE_URL=https://{host}/v1"
    return "none of the service's hosts knows it: copy the key once more from the website"


def _way_out(error: DMXOmniError, base_url: str) -> str:
    if isinstance(error, CertificateError):
        return "a proxy that opens TLS? Trust its certificate: export SSL_CERT_FILE=proxy.pem"
    host = urlsplit(base_url).hostname or ""
    if _proxy_of(base_url) and not proxy_bypass(host):
        return f"is the proxy the right one? Without it: export NO_PROXY={host}"
    return "check the network, and DMXAPI_BASE_URL"


def _call(llm: ChatDMXOmni, prices: Prices) -> Check:
    start = time.monotonic()
    try:
        answer = llm.invoke([HumanMessage("Say OK.")], max_tokens=16)
    except DMXOmniError as error:
        return Check("call", "wrong", _output.one_line(error), "")
    usage = dict(answer.usage_metadata or {})
    cost = _prices.said(_prices.cost(usage, prices))
    said = " ".join(answer.text.split())[:60]
    seconds = time.monotonic() - start
    return Check("call", "ok", f"{said!r} after {seconds:.1f} s; tokens: {_output.usage(usage, cost)}")
