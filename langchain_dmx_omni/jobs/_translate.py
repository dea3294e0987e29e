"""Subtitles in one more language, from their text alone: the recording is not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from langchain_core.messages import HumanMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from pydantic import BaseModel, Field

from ._ask import aask, ask, structured
from ._tasks.transcription import Subtitles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel

_LINES = 50
"""Lines of one question: enough to understand them by each other, few enough to be answered in full."""


class Translation(BaseModel):
    """A line in the other language."""

    number: int = Field(description="Number of the line")
    text: str = Field(description="The line in the other language")


class Translations(BaseModel):
    """Every line in the other language."""

    lines: list[Translation] = Field(description="One entry for each line, in order")


def translate(llm: BaseChatModel, language: str) -> Runnable[Subtitles, Subtitles]:
    """Return a runnable that gives subtitles a translation, or another one; their times stay.

    It asks about 50 lines at a time, as many at once as the config's `max_concurrency` says. A line that the answer
    leaves out has no translation, and is shown as it was said.

    Args:
        llm: The model.
        language: What to translate into.

    Raises:
        UnreadableAnswerError: On a call whose answer can't be read, nor the second one.
    """
    model = structured(llm, Translations)

    def translate_batch(question: HumanMessage, config: RunnableConfig) -> Translations:
        return ask(model, question, Translations, config)

    async def atranslate_batch(question: HumanMessage, config: RunnableConfig) -> Translations:
        return await aask(model, question, Translations, config)

    batches = RunnableLambda(translate_batch, atranslate_batch, name=f"translate into {language}")

    def translate_all(subtitles: Subtitles, config: RunnableConfig) -> Subtitles:
        return _applied(subtitles, batches.batch(_questions(subtitles, language), config))

    async def atranslate_all(subtitles: Subtitles, config: RunnableConfig) -> Subtitles:
        return _applied(subtitles, await batches.abatch(_questions(subtitles, language), config))

    return RunnableLambda(translate_all, atranslate_all, name="translate")


def _questions(subtitles: Subtitles, language: str) -> list[HumanMessage]:
    numbered = [f"{number}. {' '.join(line.text.split())}" for number, line in enumerate(subtitles.lines, 1)]
    instructions = (
        f"Translate each of these lines of subtitles into {language}. A sentence may go on over several lines."
    )
    return [
        HumanMessage("\n".join([instructions, *numbered[at : at + _LINES]])) for at in range(0, len(numbered), _LINES)
    ]


def _applied(subtitles: Subtitles, answers: Sequence[Translations]) -> Subtitles:
    translations = {line.number: line.text for answer in answers for line in answer.lines}
    lines = [
        line.model_copy(update={"translation": translations.get(number, "")})
        for number, line in enumerate(subtitles.lines, 1)
    ]
    return subtitles.model_copy(update={"lines": lines})
