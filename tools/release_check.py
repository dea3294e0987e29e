"""Build what would be released, look into it, and use it as a user would: `make release-check`.

The source distribution and the wheel are built and checked. Then, for every supported Python that is at hand, the wheel
alone goes into an empty environment, with the newest of everything: it imports, and says what it lacks. With the extras
`cli` and `local` the demo runs from it, and the core of the tests, which come from the source distribution.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "langchain_dmx_omni"

CORE = ("request", "response", "retries", "speech", "voices")
"""Tests of what every user uses, by their files' names."""

TESTING = (
    "hypothesis",
    "ipython",
    "pytest",
    "pytest-asyncio",
    "pytest-benchmark",
    "pytest-socket",
    "pytest-timeout",
)
"""What the core of the tests needs."""

NEEDED = {
    "wheel": (f"{PACKAGE}/__init__.py", f"{PACKAGE}/py.typed", "_dmx_omni.py"),
    "sdist": ("Makefile", "README.md", "tests/conftest.py", "examples/demo.py", "docs/install.md", "LICENSE"),
}
UNWANTED = re.compile(r"__pycache__|\.pyc$|\.(?:venv|git)(?:/|$)|\.(?:wav|mp4)$|\.ipynb_checkpoints")


class ReleaseError(Exception):
    """What would be released is not right."""


def main() -> int:
    """Check everything, and return the exit status."""
    parser = argparse.ArgumentParser(description="Build, check and try what would be released.")
    parser.add_argument(
        "--python", action="append", metavar="COMMAND", help="try this Python; by default each that is at hand"
    )
    args = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="release-") as folder:
            wheel, sdist = build(Path(folder))
            for python in args.python or pythons():
                try_out(python, wheel, sdist, Path(folder))
    except ReleaseError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print("all is well")
    return 0


def build(folder: Path) -> tuple[Path, Path]:
    """Build the wheel and the source distribution, and look into both.

    Raises:
        ReleaseError: They can't be built, or are not what they should be.
    """
    print("Building")
    dist = folder / "dist"
    run([sys.executable, "-m", "build", "--outdir", str(dist), str(ROOT)])
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    print("Checking the metadata and the contents")
    run([sys.executable, "-m", "twine", "check", "--strict", str(wheel), str(sdist)])
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = set(archive.namelist())
    with tarfile.open(sdist) as archive:
        in_sdist = {name.partition("/")[2] for name in archive.getnames()}
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).rglob("*.py")}
    check("the wheel", in_wheel, {*NEEDED["wheel"], *modules})
    check("the source distribution", in_sdist, {*NEEDED["sdist"], *NEEDED["wheel"], *modules})
    if beside := {name.partition("/")[0] for name in in_wheel} - {PACKAGE, "_dmx_omni.py", info_of(wheel)}:
        raise ReleaseError(f"the wheel would install more than the package: {', '.join(sorted(beside))}")
    return wheel, sdist


def info_of(wheel: Path) -> str:
    """Return the folder of a wheel's metadata."""
    return f"{'-'.join(wheel.name.split('-')[:2])}.dist-info"


def check(archive: str, names: Iterable[str], needed: Iterable[str]) -> None:
    """Make sure that an archive holds what is needed, and no litter.

    Raises:
        ReleaseError: It does not, or it does.
    """
    if missing := sorted(set(needed) - set(names)):
        raise ReleaseError(f"{archive} lacks {', '.join(missing)}")
    if litter := sorted(name for name in names if UNWANTED.search(name)):
        raise ReleaseError(f"{archive} holds {', '.join(litter)}")


def pythons() -> list[str]:
    """Return a Python of each supported version that is at hand: on the path, or pyenv's."""
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    supported = re.findall(r"Python :: (3\.\d+)", " ".join(metadata["classifiers"]))
    available = []
    for version in supported:
        places = Path.home().glob(f".pyenv/versions/{version}.*/bin/python")
        candidates = [shutil.which(f"python{version}"), *map(str, sorted(places))]
        usable = next((each for each in candidates if each and is_version(each, version)), None)
        if usable is None:
            print(f"Python {version} is not at hand, and not tried")
        else:
            available.append(usable)
    return available


def is_version(python: str, version: str) -> bool:
    """Whether a command is a Python of a version that can make environments."""
    code = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"
    result = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    return result.stdout.strip() == version


def try_out(python: str, wheel: Path, sdist: Path, folder: Path) -> None:
    """Install the wheel in an empty environment, first alone, and use it.

    Raises:
        ReleaseError: Something does not work there.
    """
    version = run([python, "-c", "import platform; print(platform.python_version())"]).strip()
    place = folder / version
    run([python, "-m", "venv", "--clear", str(place / "venv")])
    commands = place / "venv" / ("Scripts" if os.name == "nt" else "bin")
    own = str(commands / "python")
    source = unpacked(sdist, place)

    print(f"Python {version}: the wheel alone")
    install(own, str(wheel))
    code = f"import {PACKAGE} as package; print(package.__version__, package.__file__)"
    number, path = run([own, "-c", code], cwd=place).split(maxsplit=1)
    if number not in wheel.name or not Path(path.strip()).is_relative_to(place / "venv"):
        raise ReleaseError(f"Python {version}: {number} was imported from {path.strip()}, which is not the wheel")
    said = run([str(commands / "dmx-omni"), "--version"], cwd=place, status=1)
    if "[cli]" not in said:
        raise ReleaseError(f"Python {version}: dmx-omni does not say that it needs [cli]: {said}")

    print(f"Python {version}: the demo")
    install(own, f"{wheel}[cli,local]")
    if number not in run([str(commands / "dmx-omni"), "--version"], cwd=place):
        raise ReleaseError(f"Python {version}: dmx-omni --version does not say {number}")
    print(run([own, str(source / "examples" / "demo.py")], cwd=place), end="")

    print(f"Python {version}: the core of the tests")
    install(own, *TESTING)
    files = [f"tests/test_{name}.py" for name in CORE]
    report = run([own, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files], cwd=source)
    print(report.strip().splitlines()[-1])


def unpacked(sdist: Path, place: Path) -> Path:
    """Unpack a source distribution without its package, so that the installed one is what runs; return its folder."""
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    source = place / sdist.name.removesuffix(".tar.gz")
    shutil.rmtree(source / PACKAGE)
    (source / "_dmx_omni.py").unlink()
    return source


def install(python: str, *requirements: str) -> None:
    """Install the newest of what is required.

    Raises:
        ReleaseError: It can't be installed.
    """
    run([python, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--upgrade", *requirements])


def run(command: Sequence[str], *, cwd: Path = ROOT, status: int = 0) -> str:
    """Run a command without the key and the paths of whoever runs this, and return what it says.

    Raises:
        ReleaseError: It ends with another status.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(("DMXAPI_", "PYTHON"))}
    result = subprocess.run(  # noqa: S603
        command,
        cwd=cwd,
        env=own | {"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if result.returncode != status:
        raise ReleaseError(f"{' '.join(command)} ended with {result.returncode}:\n{result.stdout.strip()}")
    return result.stdout


if __name__ == "__main__":
    sys.exit(main())
