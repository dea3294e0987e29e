"""The table of the films, `films.toml`: what is seen, said and written in each scene."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Scene:
    """A scene of a film.

    Attributes:
        start: Seconds since the film's beginning.
        end: Seconds since the film's beginning.
        seen: What the picture shows, in a sentence.
        said: What is said.
        written: What is written on the screen, or `""`.
        appears: Who and what is in the picture.
        props: What is drawn for it, from left to right.
        still: Whether nothing moves.
        said_in_chinese: What is said, for those who ask in Chinese, or `""`.
    """

    start: float
    end: float
    seen: str
    said: str
    written: str
    appears: tuple[str, ...]
    props: tuple[str, ...]
    still: bool
    said_in_chinese: str


@dataclass(frozen=True)
class Film:
    """A film.

    Attributes:
        number: From 1.
        name: Of its file, without the ending.
        title: In its own language.
        voice: Who speaks, a name of the service's voices.
        sky: Colour of the upper part.
        ground: Colour of the lower part.
        scenes: In order, without gaps.
    """

    number: int
    name: str
    title: str
    voice: str
    sky: str
    ground: str
    scenes: tuple[Scene, ...]

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.scenes[-1].end


Shape = tuple[str, str, tuple[float, ...]]
"""A kind of shape, its colour, and x and y of its corners."""


@dataclass(frozen=True)
class Table:
    """All that `films.toml` says.

    Attributes:
        films: By number, from 1.
        props: By name, what each is drawn of.
        translations: Questions in Chinese about recordings in English, and what they mean.
    """

    films: dict[int, Film]
    props: dict[str, tuple[Shape, ...]]
    translations: dict[str, str]


@cache
def load() -> Table:
    """Read the table."""
    data = tomllib.loads((Path(__file__).parent / "films.toml").read_text("utf-8"))
    films = {number: _film(number, film) for number, film in enumerate(data["film"], 1)}
    props = {name: tuple((kind, colour, tuple(at)) for kind, colour, *at in of) for name, of in data["props"].items()}
    return Table(films, props, data["translations"])


def _film(number: int, film: dict[str, Any]) -> Film:
    ends = [float(end) for end in accumulate(scene["seconds"] for scene in film["scenes"])]
    scenes = tuple(map(_scene, [0.0, *ends], ends, film["scenes"]))
    return Film(number, film["name"], film["title"], film["voice"], film["sky"], film["ground"], scenes)


def _scene(start: float, end: float, scene: dict[str, Any]) -> Scene:
    return Scene(
        start=start,
        end=end,
        seen=scene["seen"],
        said=scene["said"],
        written=scene["written"],
        appears=tuple(scene["appears"]),
        props=tuple(scene["props"].split()),
        still=scene.get("still", False),
        said_in_chinese=scene.get("said_in_chinese", ""),
    )
