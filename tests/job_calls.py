"""What the tests of jobs share: a task, ways to run it, and what requests are about."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel

from langchain_dmx_omni import jobs, video
from langchain_dmx_omni.jobs import Closing, Job, Span, Task
from langchain_dmx_omni.testing import LocalGateway, Script, scripts

from .calls import body_of


class Scene(Span):
    what: str


class Scenes(BaseModel):
    scenes: list[Scene]


class Film(BaseModel):
    scenes: list[Scene]
    title: str = ""


class Title(BaseModel):
    title: str


def join(parts: Any) -> Film:
    scenes = [(part.window, part.answer.scenes) for part in parts]
    return Film(scenes=jobs.merge(scenes, lambda first, second: first.what == second.what))


SCENES: Task[Scenes, Film] = Task("scenes", "Name the scenes.", Scenes, join)
TITLED: Task[Scenes, Film] = Task(
    "titled",
    "Name the scenes.",
    Scenes,
    join,
    Closing(
        Title,
        lambda film, parts: f"Find a title for {len(film.scenes)} scenes in {len(parts)} parts.",
        lambda film, parts, answer: film.model_copy(update={"title": answer.title}),
    ),
)


def run(job: Job[Any], way: str, source: Any, **config: Any) -> Any:
    if way == "invoke":
        return job.invoke(source, cast("RunnableConfig", config))
    return asyncio.run(job.ainvoke(source, cast("RunnableConfig", config)))


def topics_of(gateway: LocalGateway) -> list[str]:
    """What each request asks about: the number of a part, or the closing question."""
    topics = []
    for request in gateway.requests:
        text = json.dumps(body_of(request)["input"], ensure_ascii=False)
        part = re.search(r"part (\d+) of", text)
        topics.append(part[1] if part else "whole" if "whole recording" in text else text)
    return topics


def says(*scenes: tuple[float, float, str]) -> Script:
    answer = [{"start": start, "end": end, "what": what} for start, end, what in scenes]
    return scripts.sse(scripts.answer(json.dumps({"scenes": answer})))


def encoded_windows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The indexes of the windows that are encoded from now on."""
    encoded: list[int] = []
    split = video.split

    def spying(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for segment in split(*args, **kwargs):
            encoded.append(segment.index)
            yield segment

    monkeypatch.setattr(video, "split", spying)
    return encoded
