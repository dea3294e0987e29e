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
EXTRAS = {"av", "espeakng_loader", "numpy", "platformdirs", "starlette", "tqdm", "typer", "uvicorn"}
PUBLIC_MODULES = {"errors", "media", "voices"}


def test_all_equals_the_sorted_public_names():
    public = {
        name
        for name, value in vars(langchain_dmx_omni).items()
        if not name.startswith("_") and (not isinstance(value, ModuleType) or name in PUBLIC_MODULES)
    }
    assert langchain_dmx_omni.__all__ == sorted(public)


def test_star_import_gives_every_name():
    namespace: dict[str, object] = {}
    exec("from langchain_dmx_omni import *", namespace)
    assert set(langchain_dmx_omni.__all__) <= set(namespace)


@pytest.mark.parametrize("extra", sorted(EXTRAS))
def test_importing_the_package_needs_no_extra(extra: str):
    # A module that is None in sys.modules fails to import, as if it were not installed.
    code = f"import sys; sys.modules[{extra!r}] = None; import langchain_dmx_omni; print('imported')"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout.strip()) == (0, "imported"), result.stderr


FROZEN = """
import importlib.metadata as metadata
real = metadata.version
def version(name):
    if name == "langchain-dmx-omni":
        raise metadata.PackageNotFoundError(name)
    return real(name)
metadata.version = version
from langchain_dmx_omni import ChatDMXOmni
print(ChatDMXOmni(api_key="sk")._endpoint("sk").headers["user-agent"])
"""


def test_the_package_works_without_its_metadata():
    result = subprocess.run([sys.executable, "-c", FROZEN], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout.strip()) == (0, "langchain-dmx-omni"), result.stderr


def test_importing_the_package_loads_no_extra():
    code = "import langchain_dmx_omni, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert not loaded & EXTRAS


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert importlib.metadata.version("langchain-dmx-omni") == version
    assert released[0] == version


def test_the_package_says_that_it_is_typed():
    assert importlib.resources.files(langchain_dmx_omni).joinpath("py.typed").is_file()


PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.]+)(; python_version (<|>=) \"3\.\d+\")?")


def pins(name: str) -> list[tuple[str, str]]:
    """Name and version of each pin; a line that is none fails the test."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    matches = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(matches), name
    return [(match["name"], match["version"]) for match in matches if match]


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-oldest.txt"])
def test_constraints_are_plain_pins(name: str):
    assert pins(name)


def test_the_oldest_versions_are_those_that_are_allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    allowed: dict[str, list[tuple[int, ...]]] = {}
    for requirement in [*project["dependencies"], *extras["local"], *extras["video"]]:
        name, _, versions = requirement.partition(">=")
        allowed.setdefault(name, []).append(tuple(map(int, versions.split(",")[0].split("."))))
    oldest = {name: tuple(map(int, version.split("."))) for name, version in pins("constraints-oldest.txt")}
    assert oldest.keys() == allowed.keys()
    for name, lowest in allowed.items():
        # With all extras together, the highest of their bounds holds.
        bound = max(lowest)
        assert oldest[name][: len(bound)] == bound
        assert not any(oldest[name][len(bound) :])


def test_tests_reach_loopback_and_nothing_else():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    # TEST-NET-1, an address that is nobody's.
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
