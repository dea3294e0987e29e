"""The package from outside: its names, its version, what importing it costs."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from pytest_socket import SocketConnectBlockedError

import langchain_dmx_omni

ROOT = Path(__file__).resolve().parent.parent
EXTRAS = {"av", "espeakng_loader", "numpy", "platformdirs", "tqdm", "typer", "uvicorn"}
PUBLIC_MODULES = {"errors", "media", "voices"}


def test_all_equals_the_sorted_public_names() -> None:
    public = {
        name
        for name, value in vars(langchain_dmx_omni).items()
        if not name.startswith("_") and (not isinstance(value, ModuleType) or name in PUBLIC_MODULES)
    }
    assert langchain_dmx_omni.__all__ == sorted(public)


def test_star_import_gives_every_name() -> None:
    namespace: dict[str, object] = {}
    exec("from langchain_dmx_omni import *", namespace)
    assert set(langchain_dmx_omni.__all__) <= set(namespace)


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_importing_the_package_needs_no_extra(extra: str) -> None:
    # A module that is None in sys.modules fails to import, as if it were not installed.
    code = f"import sys; sys.modules[{extra!r}] = None; import langchain_dmx_omni; print('imported')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout.strip()) == (0, "imported"), result.stderr


def test_importing_the_package_loads_no_extra() -> None:
    code = "import langchain_dmx_omni, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert not loaded & EXTRAS


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert importlib.metadata.version("langchain-dmx-omni") == version
    assert released[0] == version


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files(langchain_dmx_omni).joinpath("py.typed").is_file()


def test_constraints_are_plain_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)] == []


def test_tests_reach_loopback_and_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    # TEST-NET-1, an address that is nobody's.
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
