"""The stages of `engine="ray"`, in this process: what each makes of a row, whatever a cluster does with the rows."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni.errors import ContentBlockError, DMXOmniError
from langchain_dmx_omni.library import _ray as stages
from langchain_dmx_omni.library._indexing import Indexed, Recipe
from langchain_dmx_omni.library._listing import list_recordings
from langchain_dmx_omni.testing import LocalGateway, Request, Script, scripts

CAPTION = '{"title": "A film", "seen": "Squares.", "said": [], "written": [], "entities": []}'
WINDOWS = 7


def recipe(gateway: LocalGateway, folder: Path, *, captions: Any = "model", max_retries: int = 0) -> Recipe:
    llm = ChatDMXOmni(base_url=gateway.base_url, max_retries=max_retries)
    return Recipe(captions, llm, None, 2.0, "time", str(folder / "answers"), None)


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A gateway whose key each process reads for itself."""
    with LocalGateway(answer=lambda _request: CAPTION) as gateway:
        monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
        yield gateway


def cut(recipe: Recipe, path: Path) -> list[stages.Row]:
    (listed,) = list_recordings(path)
    cutting = pickle.loads(pickle.dumps(stages._Cutting(recipe)))
    return list(cutting(stages._row(0, listed)))


async def ask(recipe: Recipe, rows: list[stages.Row]) -> list[stages.Row]:
    asking = stages._Asking(pickle.loads(pickle.dumps(recipe)), {}, 2)
    return [await asking(row) for row in rows]


def joined(recipe: Recipe, rows: list[stages.Row]) -> Indexed:
    recording, whole = stages._Recording(), False
    for row in rows:
        assert not whole
        whole = recording.take(stages._message(row))
    assert whole
    return recording.indexed(recipe)


async def test_a_recording_goes_through_in_any_order(answered: LocalGateway, film: Path, tmp_path: Path) -> None:
    how = recipe(answered, tmp_path)
    rows = cut(how, film)
    assert [type(stages._message(row)).__name__ for row in rows] == ["_Begun"] + ["_Question"] * WINDOWS
    asked = await ask(how, rows)
    expected = joined(how, asked)
    assert expected.recorded.missing == 0
    assert len(answered.requests) == WINDOWS
    random.Random(7).shuffle(asked)
    assert joined(how, asked).documents == expected.documents


async def test_what_is_done_twice_is_asked_once(answered: LocalGateway, film: Path, tmp_path: Path) -> None:
    how = recipe(answered, tmp_path)
    rows = cut(how, film)
    first = await ask(how, rows[:3])
    # The actor was killed: what it had goes to another one, and the recording is cut again.
    again = await ask(how, rows)
    assert len(answered.requests) == WINDOWS
    assert [stages._message(row) for row in first[1:]] == [stages._message(row) for row in again[1:3]]
    assert [type(stages._message(row)).__name__ for row in cut(how, film)] == ["_Begun"]
    assert joined(how, cut(how, film)).documents == joined(how, again).documents


async def test_a_window_that_fails_is_a_row(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[Request] = []

    def answer(request: Request) -> str | Script:
        requests.append(request)
        return scripts.error(400, "no") if len(requests) == 2 else CAPTION

    with LocalGateway(answer=answer) as gateway:
        monkeypatch.setenv("DMXAPI_API_KEY", gateway.api_key)
        how = recipe(gateway, tmp_path)
        indexed = joined(how, await ask(how, cut(how, film)))
    assert indexed.recorded.missing == 1
    assert [missing.window.index for missing in indexed.missing] == [1]


@pytest.mark.parametrize("captions", ["subtitles", "none", "model"])
def test_a_recording_that_fails_is_a_row(answered: LocalGateway, tmp_path: Path, captions: Any) -> None:
    (tmp_path / "words.mp4").write_text("no video")
    how = recipe(answered, tmp_path, captions=captions)
    with pytest.raises(ContentBlockError, match=r"words\.mp4"):
        joined(how, cut(how, tmp_path / "words.mp4"))


def test_what_needs_no_model_is_one_row(answered: LocalGateway, film: Path, tmp_path: Path) -> None:
    indexed = joined(how := recipe(answered, tmp_path, captions="none"), cut(how, film))
    assert len(indexed.documents) == 5
    assert not answered.requests


def test_an_error_that_does_not_pickle_is_told_in_words() -> None:
    class OwnError(Exception):
        pass

    own: Callable[[], Exception] = lambda: OwnError("the lens is dirty")  # noqa: E731
    failed = stages._message(stages._row(3, stages._Failed(None, own())))
    assert isinstance(failed.error, DMXOmniError)
    assert str(failed.error) == "OwnError: the lens is dirty"
