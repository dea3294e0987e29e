"""What every test stands on: a gateway of its own, a small clip, and no environment from outside."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from langchain_dmx_omni.testing import LocalGateway

    from .cli_calls import Shell

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every run of the CI; locally, new ones each time.
settings.register_profile("ci", derandomize=True, deadline=None, database=None, print_blob=True)
settings.register_profile("local", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")

# What a shell starts in the background ignores Ctrl-C, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Keys, tracing and proxies of the person who runs the tests.
FOREIGN = ("DMXAPI_", "LANGCHAIN_", "LANGSMITH_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(FOREIGN) or name.lower() in PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture
def gateway() -> Iterator[LocalGateway]:
    """The service on loopback, fresh for each test."""
    # Imported here, so that tests of the pure modules start without a web server.
    from langchain_dmx_omni.testing import LocalGateway

    with LocalGateway() as gateway:
        yield gateway


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    """The clip maker of `examples/make_clip.py`."""
    spec = importlib.util.spec_from_file_location("make_clip", ROOT / "examples" / "make_clip.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast("Callable[..., Path]", module.make_clip)


@pytest.fixture(scope="session")
def clip(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of video with sound, 160x90."""
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", 2.0, width=160, height=90, fps=10)


@pytest.fixture(scope="session")
def film(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds: five windows of two seconds."""
    return make_clip(tmp_path_factory.mktemp("film") / "film.mp4", 10.0, width=64, height=48, fps=5)


@pytest.fixture(scope="session")
def silent_film(make_clip: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds without sound."""
    return make_clip(tmp_path_factory.mktemp("silent") / "silent.mp4", 2.0, width=64, height=48, fps=5, sound=False)


@pytest.fixture
def shell(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    gateway: LocalGateway,
    tmp_path: Path,
    clip: Path,
) -> Shell:
    """The command, in a folder with some files, with the service at hand."""
    from .cli_calls import Shell

    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    (tmp_path / "notes.txt").write_text("Only words, and some more of them.")
    (tmp_path / "big.mp4").write_bytes(clip.read_bytes() + (9_000_008).to_bytes(4, "big") + b"free" + bytes(9_000_000))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
    monkeypatch.setenv("DMXAPI_BASE_URL", gateway.base_url)
    monkeypatch.setattr("warnings.showwarning", lambda *_, **__: None)  # the command sets its own
    return Shell(capsys, monkeypatch)
