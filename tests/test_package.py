"""The package from outside: its names, its version, what importing it costs."""

from __future__ import annotations

import importlib
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
PACKAGE = ROOT / "langchain_dmx_omni"
EXTRAS = {"IPython", "PIL", "av", "espeakng_loader", "numpy", "pi_heif", "platformdirs", "tqdm", "typer", "uvicorn"}
PUBLIC_MODULES = {"errors", "media", "voices"}


def test_all_equals_the_sorted_public_names() -> None:
    public = {
        name
        for name, value in vars(langchain_dmx_omni).items()
        if not name.startswith("_") and (not isinstance(value, ModuleType) or name in PUBLIC_MODULES)
    }
    assert langchain_dmx_omni.__all__ == sorted(public | {*langchain_dmx_omni._LAZY})
    assert {*langchain_dmx_omni.__all__} <= {*dir(langchain_dmx_omni)}


MODULES = (
    "",
    ".errors",
    ".jobs",
    ".media",
    ".middleware",
    ".notebook",
    ".registry",
    ".speech",
    ".testing",
    ".video",
    ".voices",
    ".web",
)


@pytest.mark.parametrize("name", MODULES)
def test_a_module_completes_to_its_public_names(name: str) -> None:
    module = importlib.import_module(f"langchain_dmx_omni{name}")
    assert set(dir(module)) - {"__version__"} == set(module.__all__)
    assert all(hasattr(module, each) for each in dir(module))


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


VIDEO, LIBRARY = ('pip install "langchain-dmx-omni[video]"', 'pip install "langchain-dmx-omni[library]"')
MISSING: dict[str, tuple[str, str, str]] = {
    "video": ("av", "import langchain_dmx_omni.video", f"langchain_dmx_omni.video needs: {VIDEO}"),
    "its cache": ("platformdirs", "import langchain_dmx_omni.video", f"langchain_dmx_omni.video needs: {VIDEO}"),
    "jobs": ("av", "import langchain_dmx_omni.jobs", f"langchain_dmx_omni.jobs needs: {VIDEO}"),
    "a file that fits": (
        "av",
        "from langchain_dmx_omni import media; media.video(b'RIFF', fit=True)",
        f"media.video(…, fit=True) needs: {VIDEO}",
    ),
    "sound that fits": (
        "av",
        "from langchain_dmx_omni import media; media.audio(b'RIFF', fit=True)",
        f"media.audio(…, fit=True) needs: {VIDEO}",
    ),
    "a bar": (
        "tqdm",
        "from langchain_dmx_omni.video.progress import progress_bar; progress_bar('a', 1, 's').__enter__()",
        f"a progress bar needs: {VIDEO}",
    ),
    "library": ("av", "import langchain_dmx_omni.library", f"langchain_dmx_omni.library needs: {LIBRARY}"),
    "its store": (
        "lancedb",
        "from langchain_dmx_omni.library import Library; Library.open('films.library')",
        f"a library needs LanceDB: {LIBRARY}",
    ),
    "a page": (
        "uvicorn",
        "import langchain_dmx_omni.web",
        'langchain_dmx_omni.web needs: pip install "langchain-dmx-omni[web]"',
    ),
    "a page's video": (
        "av",
        "import langchain_dmx_omni.web",
        'langchain_dmx_omni.web needs: pip install "langchain-dmx-omni[web]"',
    ),
    "a notebook": (
        "IPython",
        "from langchain_dmx_omni import notebook; notebook.show([])",
        "langchain_dmx_omni.notebook needs: pip install ipython",
    ),
}


@pytest.mark.parametrize(("package", "code", "said"), MISSING.values(), ids=MISSING)
def test_what_is_not_installed_is_named_by_who_needs_it(package: str, code: str, said: str) -> None:
    code = f"import sys; sys.modules[{package!r}] = None\n{code}"
    result = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.stderr.splitlines()[-1] == f"ImportError: {said}", result.stderr


FROZEN = """
import importlib.metadata as metadata
real = metadata.version
def version(name):
    if name == "langchain-dmx-omni":
        raise metadata.PackageNotFoundError(name)
    return real(name)
metadata.version = version
from langchain_dmx_omni import ChatDMXOmni, __version__
print(ChatDMXOmni(api_key="sk")._endpoint("sk").headers["user-agent"], __version__)
"""


def test_the_package_works_without_its_metadata() -> None:
    result = subprocess.run([sys.executable, "-c", FROZEN], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout.strip()) == (0, "langchain-dmx-omni 0+unknown"), result.stderr


def test_importing_the_package_loads_no_extra() -> None:
    code = "import langchain_dmx_omni, sys; print(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert not loaded & EXTRAS


@pytest.mark.parametrize("name", langchain_dmx_omni._LAZY)
def test_a_name_that_is_not_used_is_not_imported(name: str) -> None:
    module = f"langchain_dmx_omni.{langchain_dmx_omni._LAZY[name]}"
    code = f"import langchain_dmx_omni as p, sys; print({module!r} in sys.modules, p.{name}.__module__)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert result.stdout.split() == ["False", module]


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'langchain_dmx_omni' has no attribute 'DMXEmbedding'"):
        langchain_dmx_omni.DMXEmbedding  # noqa: B018


def test_the_version_is_the_same_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert importlib.metadata.version("langchain-dmx-omni") == version == langchain_dmx_omni.__version__
    assert released[0] == version


def test_the_package_says_that_it_is_typed() -> None:
    assert importlib.resources.files(langchain_dmx_omni).joinpath("py.typed").is_file()


def test_a_module_has_four_hundred_lines_at_most() -> None:
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {str(path.relative_to(ROOT)): count for path, count in lines.items() if count > 400} == {}


def test_the_plan_of_the_house_names_every_room() -> None:
    plan = re.search(r"^```text\nlangchain_dmx_omni/\n(.+?)^```$", contributing(), re.MULTILINE | re.DOTALL)
    assert plan
    rooms = {f"{path.parent.name}/" for path in PACKAGE.glob("*/**/__init__.py")}
    modules = {path.name for path in PACKAGE.glob("*.py")}
    assert set(re.findall(r"\w+(?:/|\.py\b)", plan[1])) == rooms | modules


def test_every_file_that_the_walks_name_is_there() -> None:
    named = re.findall(r"`([\w./]+\.(?:py|md|toml|txt))`", contributing())
    assert named
    assert [name for name in named if not ((ROOT / name).exists() or (PACKAGE / name).exists())] == []


def test_every_test_that_the_walks_name_is_there() -> None:
    tests = "".join(path.read_text("utf-8") for path in ROOT.glob("tests/test_*.py"))
    named = re.findall(r"`(test_\w+)`", contributing())
    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []


def contributing() -> str:
    return (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_source_distribution_lists_what_there_is() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    listed = hatch["sdist"]["include"]
    assert [path for path in listed if not (ROOT / path.removeprefix("/")).exists()] == []
    assert {f"/{page.name}" for page in ROOT.glob("*.md")} <= set(listed)


def test_a_commit_is_checked_by_what_make_lint_runs() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe
    commands = re.findall(r"^\t@\$\(BIN\)/(.+)$", recipe[1], re.MULTILINE)
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert re.findall(r"entry: \.venv/bin/(.+)$", hooks, re.MULTILINE) == commands


PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.]+)(; python_version (<|>=) \"3\.\d+\")?")


def pins(name: str) -> list[tuple[str, str]]:
    """Name and version of each pin; a line that is none fails the test."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    matches = [PIN.fullmatch(line) for line in lines if not line.startswith("#")]
    assert all(matches), name
    return [(match["name"], match["version"]) for match in matches if match]


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-oldest.txt"])
def test_constraints_are_plain_pins(name: str) -> None:
    assert pins(name)


def test_the_oldest_versions_are_those_that_are_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    allowed: dict[str, list[tuple[int, ...]]] = {}
    for requirement in [*project["dependencies"], *extras["local"], *extras["video"], *extras["image"]]:
        name, _, versions = requirement.partition(">=")
        allowed.setdefault(name, []).append(tuple(map(int, versions.split(",")[0].split("."))))
    oldest = {name: tuple(map(int, version.split("."))) for name, version in pins("constraints-oldest.txt")}
    assert oldest.keys() == allowed.keys()
    for name, lowest in allowed.items():
        # With all extras together, the highest of their bounds holds.
        bound = max(lowest)
        assert oldest[name][: len(bound)] == bound
        assert not any(oldest[name][len(bound) :])


def test_tests_reach_loopback_and_nothing_else() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
    # TEST-NET-1, an address that is nobody's.
    with pytest.raises(SocketConnectBlockedError):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
