"""Subtitles in one more language, from their text alone: the recording is not sent again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

from langchain_core.messages import HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import BaseModel, Field

from langchain_dmx_omni.errors import ConfigurationError, StorageError, UnreadableAnswerError

from ._ask import aask, ask, identity, structured
from ._patience import HOPELESS
from ._places import Place, open_place
from ._run import OnError
from ._store import Store
from ._tasks.result import Missing
from ._tasks.timeline import Window
from ._tasks.transcription import Subtitles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel

_LINES = 50
"""Lines of one question: enough to understand them by each other, few enough to be answered in full."""
_ROUNDS = 3
"""Times that a line is asked for until it comes back."""
_VERSION = 1
"""Of the question; another one makes what older releases have kept unknown."""


class Translation(BaseModel):
    """A line in the other language."""

    number: int = Field(description="Number of the line")
    text: str = Field(description="The line in the other language")


class Translations(BaseModel):
    """Every line in the other language."""

    lines: list[Translation] = Field(description="One entry for each line, in order")


def translate(
    llm: BaseChatModel,
    language: str,
    *,
    on_error: OnError = "raise",
    folder: str | os.PathLike[str] | None = None,
    folder_options: Mapping[str, Any] | None = None,
) -> Runnable[Subtitles, Subtitles]:
    """Return a runnable that gives subtitles a translation, or another one; their times stay.

    It asks about 50 lines at a time, as many at once as the config's `max_concurrency` says, and once more for lines
    that did not come back. What is answered is kept: after an error, only the rest is asked for.

    Args:
        llm: The model.
        language: What to translate into.
        on_error: What becomes of lines that do not come back, or are refused; all others are asked for first. With
            `"raise"` it is an error; with `"skip"` they have no translation, are shown as they were said, and stand
            in the result's `missing`.
        folder: Where answers are kept, as for a `Job`; by default in the user's cache folder.
        folder_options: What it takes to get there, if it is a URL.

    Raises:
        ConfigurationError: `on_error` is neither.
        UnreadableAnswerError: On a call where lines do not come back, or whose answer can't be read.
        StorageError: On a call whose answers can't be kept.
    """
    if on_error not in get_args(OnError):
        raise ConfigurationError(f"on_error={on_error!r}: 'raise' or 'skip'")
    root = open_place(folder, folder_options)
    about = {"version": _VERSION, "task": {"name": "translate"}, "language": language, "asked_of": identity(llm)}
    model = structured(llm, Translations)

    def translate_batch(batch: _Batch, config: RunnableConfig) -> None:
        while (question := batch.question()) is not None:
            batch.take(ask(model, question, Translations, config))

    async def atranslate_batch(batch: _Batch, config: RunnableConfig) -> None:
        while (question := batch.question()) is not None:
            await asyncio.to_thread(batch.take, await aask(model, question, Translations, config))

    each = RunnableLambda(translate_batch, atranslate_batch, name=f"translate into {language}")

    def translate_all(subtitles: Subtitles, config: RunnableConfig) -> Subtitles:
        batches = _batches(subtitles, language, root, about)
        return _applied(subtitles, batches, each.batch(batches, config, return_exceptions=True), on_error)

    async def atranslate_all(subtitles: Subtitles, config: RunnableConfig) -> Subtitles:
        batches = await asyncio.to_thread(_batches, subtitles, language, root, about)
        return _applied(subtitles, batches, await each.abatch(batches, config, return_exceptions=True), on_error)

    return RunnableLambda(translate_all, atranslate_all, name="translate")


class _Batch:
    """Lines that are asked about together.

    Args:
        lines: Their texts by number.
        language: What to translate into.
        store: Where answers are kept.
        name: The name under which.

    Attributes:
        translations: What has come back, by number.
    """

    def __init__(self, lines: Mapping[int, str], language: str, store: Store, name: str) -> None:
        self._lines = lines
        self._language = language
        self._store = store
        self._name = name
        self._rounds = 0
        kept = store.load(name, Translations)
        self.translations = {} if kept is None else _matched(kept, lines)

    @property
    def missing(self) -> dict[int, str]:
        """The lines that have not come back."""
        return {number: text for number, text in self._lines.items() if number not in self.translations}

    def question(self) -> HumanMessage | None:
        """Return what to ask now, or None when all lines have come back.

        Raises:
            UnreadableAnswerError: They have been asked for often enough.
        """
        missing = self.missing
        if not missing:
            return None
        if self._rounds == _ROUNDS:
            numbers = ", ".join(map(str, missing))
            raise UnreadableAnswerError(
                f"not translated into {self._language}, asked for {_ROUNDS} times: {numbers} (numbers of lines, from 1)"
            )
        self._rounds += 1
        instructions = (
            f"Translate each of these lines of subtitles into {self._language}. "
            "A sentence may go on over several lines."
        )
        return HumanMessage("\n".join([instructions, *(f"{number}. {text}" for number, text in missing.items())]))

    def take(self, answer: Translations) -> None:
        """Take an answer to the question, and keep it.

        Raises:
            StorageError: It can't be kept.
        """
        self.translations |= _matched(answer, self.missing)
        lines = [Translation(number=number, text=text) for number, text in sorted(self.translations.items())]
        self._store.save(self._name, Translations(lines=lines))


def _batches(subtitles: Subtitles, language: str, root: Place, about: Mapping[str, Any]) -> list[_Batch]:
    """Return the lines in batches, with what is kept of their translations.

    Raises:
        StorageError: There is something to ask, and no place for the answers.
    """
    texts = [" ".join(line.text.split()) for line in subtitles.lines]
    numbered = [(number, text) for number, text in enumerate(texts, 1) if text]
    store = Store(root, {**about, "lines": texts})
    batches = [
        _Batch(dict(numbered[at : at + _LINES]), language, store, f"{at:06}") for at in range(0, len(numbered), _LINES)
    ]
    if any(batch.missing for batch in batches):
        store.prepare()
    return batches


def _matched(answer: Translations, lines: Mapping[int, str]) -> dict[int, str]:
    """Return the translations of some lines by number; an answer may count them anew, from 1."""
    numbers = list(lines)
    said = [(line.number, line.text) for line in answer.lines if line.text.strip()]
    anew = [(numbers[at - 1], text) for at, text in said if 1 <= at <= len(numbers)]
    own = [(number, text) for number, text in said if number in lines]
    return dict(reversed(own if len(own) >= len(anew) else anew))  # of two for one line, the first


def _applied(
    subtitles: Subtitles, batches: Sequence[_Batch], outcomes: Sequence[Exception | None], on_error: OnError
) -> Subtitles:
    """Return the subtitles with what has come back.

    Raises:
        Exception: The first one among the outcomes, unless lines may be missing.
    """
    failed = [(batch, each) for batch, each in zip(batches, outcomes, strict=True) if each is not None]
    for _, error in sorted(failed, key=lambda each: not isinstance(each[1], StorageError)):
        if on_error == "raise" or isinstance(error, HOPELESS):
            done = sum(len(batch.translations) for batch in batches)
            error.add_note(f"{done} of {len(subtitles.lines)} lines are translated and kept; run it again for the rest")
            raise error
    translations = {number: text for batch in batches for number, text in batch.translations.items()}
    lines = [
        line.model_copy(update={"translation": translations.get(number, "")})
        for number, line in enumerate(subtitles.lines, 1)
    ]
    windows = [
        (Window(number - 1, lines[number - 1].start, lines[number - 1].end), error)
        for batch, error in failed
        for number in batch.missing
    ]
    missing = [*subtitles.missing, *(Missing(*each) for each in windows)]
    return subtitles.model_copy(update={"lines": lines, "missing": missing})
