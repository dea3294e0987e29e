"""`library`: many recordings in one place, searched and asked."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages.ai import UsageMetadata, add_usage

from langchain_dmx_omni._disk.names import is_url
from langchain_dmx_omni._profiles import DEFAULT_VOICE
from langchain_dmx_omni.errors import ConfigurationError

from . import _output, _paths, _prices, _storage
from ._ask import Voice
from ._failures import FAILED, report
from ._model import Model, PricesText, Retries, chat_model
from ._patient import patient
from ._tables import progress, show

if TYPE_CHECKING:
    from langchain_dmx_omni import ChatDMXOmni
    from langchain_dmx_omni.library import AddProgress, AddReport, Answer, Citation, Library, Moment

_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def seconds(time: str) -> float:
    """Return the seconds of a time as people write it: `65`, `1:05`, `1:02:05`.

    Raises:
        ValueError: It is none.
    """
    if not re.fullmatch(r"(\d+:)?(\d+:)?\d+(\.\d+)?", time.strip()):
        raise ValueError(f"{time!r} is no time: write 65 or 1:05")
    return reduce(lambda total, part: total * 60 + float(part), time.split(":"), 0.0)


Place = Annotated[str, typer.Argument(metavar="PLACE", help="Where the library is: a folder, or s3://bucket/name.")]
Embeddings = Annotated[
    Literal["local", "none"] | None,
    typer.Option(
        help="Of a new library, instead of the service's: on this machine, or words alone.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@dataclass(frozen=True)
class Storage:
    """How object storage is reached."""

    storage_option: Annotated[
        list[str] | None,
        typer.Option(
            "--storage-option",
            metavar="KEY=VALUE",
            help="For s3:// and others: key, secret, token, endpoint_url, region. What the environment says is known.",
            show_default=False,
        ),
    ] = None

    def opening(self, place: str) -> dict[str, Any]:
        """What `Library.open` takes for a place."""
        options = _storage.parsed(self.storage_option)
        if not options or not is_url(place):
            return {}
        return {
            "storage_options": _storage.for_lance(options, place),
            "folder_options": _storage.for_fsspec(options, place),
        }

    def reading(self, paths: Sequence[str]) -> dict[str, Any] | None:
        """What reaches recordings; they share their options, so those that are URLs are of one kind."""
        options, urls = _storage.parsed(self.storage_option), [path for path in paths if is_url(path)]
        kinds = {url.partition("://")[0].lower() for url in urls}
        if len(kinds) > 1 and options:
            raise typer.BadParameter(
                f"{' and '.join(sorted(kinds))} at once: add them one after the other", param_hint="--storage-option"
            )
        return _storage.for_fsspec(options, urls[0]) if options and urls else None


@dataclass(frozen=True)
class Finding:
    """Which moments are meant."""

    k: Annotated[int, typer.Option("-k", help="Moments, at most.", min=1)] = 5
    source: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="In this recording only.", show_default=False)
    ] = None
    since: Annotated[
        float | None,
        typer.Option("--from", metavar="TIME", parser=seconds, help="After this: 65 or 1:05.", show_default=False),
    ] = None
    until: Annotated[
        float | None, typer.Option("--to", metavar="TIME", parser=seconds, help="Before this.", show_default=False)
    ] = None
    mode: Annotated[Literal["hybrid", "words", "meaning"], typer.Option(help="Found by what.")] = "hybrid"
    embeddings: Embeddings = None

    @property
    def options(self) -> dict[str, Any]:
        """What the library takes."""
        between = None if self.since is None and self.until is None else (self.since, self.until)
        return {"k": self.k, "source": self.source or None, "between": between, "mode": self.mode}


def add(
    place: Place,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, globs, or URLs of these.")],
    *,
    captions: Annotated[
        Literal["model", "subtitles", "none"],
        typer.Option(help="What tells what is in a recording: the model, subtitles beside it, or nothing."),
    ] = "model",
    language: Annotated[
        str | None, typer.Option(help="To describe them in; by default what is spoken.", show_default=False)
    ] = None,
    max_concurrency: Annotated[
        int, typer.Option("--max-concurrency", "-j", help="Recordings at a time, and calls in flight.", min=1)
    ] = 4,
    engine: Annotated[Literal["threads", "ray"], typer.Option(help="This process, or a Ray cluster.")] = "threads",
    embeddings: Embeddings = None,
    storage: Storage,
    prices: PricesText = None,
    model: Model = None,
    retries: Retries = 4,
) -> None:
    """Index recordings. What is indexed already costs nothing; what fails leaves the others alone."""
    of = _prices.prices(prices)
    llm = chat_model(model=model, max_retries=retries)
    if captions == "model" and llm.api_key is None:
        raise ConfigurationError("there is no API key: set DMXAPI_API_KEY, or take --captions subtitles")
    reading = storage.reading(paths)
    library = _opened(place, llm, embeddings, storage, language=language)
    used = UsageMetadataCallbackHandler()
    with patient(), _bar() as moved:
        outcome = library.add(
            paths,
            captions=captions,
            engine=engine,
            progress=moved,
            max_concurrency=max_concurrency,
            config={"callbacks": [used]},
            source_options=reading,
        )
    _report(outcome)
    usage: UsageMetadata | None = reduce(add_usage, used.usage_metadata.values(), None)
    if usage is not None:
        _output.note(f"tokens: {_output.usage(usage, _prices.said(_prices.cost(usage, of)))}")
    if outcome.failed:
        raise typer.Exit(FAILED)


def search(
    place: Place,
    query: Annotated[str, typer.Argument(help="In any language.")],
    *,
    as_json: Json = False,
    finding: Finding,
    storage: Storage,
) -> None:
    """Find moments, the best first. Nothing is asked of the model."""
    library = _opened(_there(place), chat_model(), finding.embeddings, storage)
    moments = library.search(query, **finding.options)
    if as_json:
        _output.answer_json([_moment(each) for each in moments])
    elif moments:
        show(("recording", "time", "kind", "text"), map(_row, moments))
    else:
        _output.note("nothing found")


def ask(
    place: Place,
    question: Annotated[str, typer.Argument(help="In any language.")],
    *,
    voice: Voice = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE.wav", help="Where the speech goes.", show_default=False)
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="A picture of what the answer rests on.", show_default=False),
    ] = None,
    as_json: Json = False,
    look: Annotated[bool, typer.Option("--look/--no-look", help="Look at the clips again before answering.")] = True,
    finding: Finding,
    storage: Storage,
    prices: PricesText = None,
    model: Model = None,
    retries: Retries = 4,
) -> None:
    """Answer with evidence: [2] in the text is the second of the places that are listed under it."""
    save = _paths.speech_target(voice, save)
    sheet = _picture_target(sheet)
    of = _prices.prices(prices)
    spoken = (voice or DEFAULT_VOICE) if save else None
    library = _opened(_there(place), chat_model(model=model, max_retries=retries), finding.embeddings, storage)
    answer = library.ask(question, voice=spoken, look=look, **finding.options)
    if save is not None and answer.speech is not None:
        answer.speech.save(save)
    if sheet is not None and answer.moments:
        answer.contact_sheet().save(sheet)
    cost = _prices.cost(answer.usage, of)
    if as_json:
        _output.answer_json(_facts(answer, save, sheet, cost))
        return
    _output.answer("\n".join([answer.text, *([""] if answer.citations else []), *map(str, answer.citations)]))
    for note in answer.notes:
        _output.note(note)
    if save is not None and answer.speech is not None:
        _output.note(f"{save}: {answer.speech.duration:.1f} s of speech")
    if sheet is not None:
        _output.note(str(sheet) if answer.moments else f"{sheet}: not written, there is no moment to show")
    _output.note(f"tokens: {_output.usage(answer.usage, _prices.said(cost))}")


def verify(place: Place, *, storage: Storage) -> None:
    """Look whether all parts of a library are in step; what is not is named with its remedy."""
    problems = _opened(_there(place), None, "none", storage).verify()
    for each in problems:
        add, remove = (f"dmx-omni library {verb} {_quoted(place, _shown(each.source))}" for verb in ("add", "remove"))
        _output.answer(f"{_shown(each.source) or place}: {each.what}; {each.remedy_by(add=add, remove=remove)}")
    if problems:
        raise typer.Exit(FAILED)
    _output.answer("all is well")


def remove(
    place: Place,
    sources: Annotated[list[str], typer.Argument(metavar="FILE...", help="Recordings in the library.")],
    *,
    storage: Storage,
) -> None:
    """Remove recordings from a library. The model's answers are kept: adding one again is free."""
    library = _opened(_there(place), None, "none", storage)
    for source in sources:
        library.remove(source)
        _output.note(f"{source}: removed")


def stats(place: Place, *, as_json: Json = False, storage: Storage) -> None:
    """Say how much there is in a library."""
    known = _opened(_there(place), None, "none", storage).stats()
    if as_json:
        _output.answer_json(asdict(known))
        return
    vectors = f"{known.embeddings}, {known.dimensions} numbers each" if known.embeddings else "none, words alone"
    facts = {
        "recordings": f"{known.recordings:,}",
        "moments": f"{known.moments:,}",
        "hours": f"{known.seconds / 3600:.2f}",
        "vectors": vectors,
    }
    _output.answer("\n".join(f"{name}: {fact}" for name, fact in facts.items()))


COMMANDS = (add, search, ask, verify, remove, stats)


def _opened(place: str, llm: ChatDMXOmni | None, embeddings: str | None, storage: Storage, **options: Any) -> Library:
    from langchain_dmx_omni.library import Library, LocalEmbeddings  # noqa: PLC0415  # an extra

    chosen: Any = LocalEmbeddings() if embeddings == "local" else embeddings
    return Library.open(place, llm=llm, embeddings=chosen, **storage.opening(place), **options)


def _there(place: str) -> str:
    """Return the place of a library that has to be there.

    Raises:
        typer.BadParameter: There is none.
    """
    if not is_url(place) and not Path(place).expanduser().is_dir():
        raise typer.BadParameter(
            f"there is no {place}: dmx-omni library add {place} FILE... makes it", param_hint="PLACE"
        )
    return place


def _picture_target(path: Path | None) -> Path | None:
    """Return the place for a picture.

    Raises:
        typer.BadParameter: Its name ends otherwise, or nothing can be written there.
    """
    if path is None:
        return None
    if path.suffix.lower() not in _PICTURES:
        raise typer.BadParameter(f"let {path.name!r} end in {', '.join(_PICTURES)}", param_hint="--sheet")
    return _paths.target(path, "--sheet")


@contextmanager
def _bar() -> Iterator[Callable[[AddProgress], None]]:
    """Yield the function that moves a bar over all recordings."""
    with progress(1, "recordings") as display:
        bar = display.add_task("library", total=0)

        def moved(step: AddProgress) -> None:
            display.update(bar, completed=step.done, total=step.total)

        yield moved


def _report(outcome: AddReport) -> None:
    """Say what became of each file: how many on standard output, what is wrong on standard error."""
    for source, error in outcome.failed:
        report(error, _shown(source))
    for source, windows in outcome.missing.items():
        for gap in windows:
            _output.note(f"{_shown(source)}: {gap.window.start:.0f}-{gap.window.end:.0f} s is missing: {gap.error}")
    _output.answer(f"{len(outcome.added)} added, {len(outcome.unchanged)} unchanged, {len(outcome.failed)} failed")


def _shown(source: str) -> str:
    """Return a recording as it is seen from this folder."""
    here = f"{Path.cwd()}{os.sep}"
    return source.removeprefix(here)


def _quoted(*words: str) -> str:
    """Return words as a shell takes them."""
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _row(moment: Moment) -> tuple[str, ...]:
    from langchain_dmx_omni.library._spelling import time_range  # noqa: PLC0415  # an extra

    return _shown(moment.source), time_range(moment.start, moment.end), moment.kind, " ".join(moment.text.split())


def _moment(moment: Moment | Citation) -> dict[str, Any]:
    return {**asdict(moment), "uri": moment.uri}


def _facts(answer: Answer, speech: Path | None, sheet: Path | None, cost: float) -> dict[str, Any]:
    spoken = None if answer.speech is None else {"path": str(speech), "seconds": round(answer.speech.duration, 3)}
    return {
        "text": answer.text,
        "citations": [_moment(each) for each in answer.citations],
        "moments": [_moment(each) for each in answer.moments],
        "speech": spoken,
        "sheet": str(sheet) if sheet and answer.moments else None,
        "notes": answer.notes,
        "usage": answer.usage,
        "estimated_cost_cny": round(cost, 6),
    }
