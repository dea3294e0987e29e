"""`voices`: the catalogue, and how one sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from langchain_core.messages import HumanMessage

from langchain_dmx_omni import Speech, voices
from langchain_dmx_omni.errors import ConfigurationError
from langchain_dmx_omni.voices import Voice

from . import _output, _paths
from ._model import Model, chat_model
from ._tables import show

_UNASKED = 3
"""Voices that may be heard without another word: each is a call that costs."""


def list_voices(
    language: Annotated[
        str | None, typer.Argument(help="A language or dialect, or a voice: Cantonese, 粤语, Tina, 甜甜.")
    ] = None,
    sample: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Let each say a sentence, one WAV file each.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask for as many samples as there are voices.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    model: Model = None,
) -> None:
    """List the voices, in English and Chinese; `--sample` lets you hear them."""
    chosen = _matching(language)
    if sample is None:
        _list(chosen, as_json=as_json)
        return
    if len(chosen) > _UNASKED and not yes:
        raise typer.BadParameter(
            f"{len(chosen)} voices are {len(chosen)} calls: name a language, or add --yes", param_hint="--sample"
        )
    folder = _paths.folder(sample, "--sample")
    places = [_paths.target(folder / f"{voice.name}.wav", "--sample") for voice in chosen]
    for voice, place in zip(chosen, places, strict=True):
        llm = chat_model(model=model, voice=voice.name)
        name = voice.language or "your own language"
        question = f"Say one short sentence in {name} that introduces you as {voice.name}, and nothing else."
        path = Speech.from_message(llm.invoke([HumanMessage(question)])).save(place)
        _output.answer(str(path))


def _matching(term: str | None) -> tuple[Voice, ...]:
    """Return the voices of a language, or of a name.

    Raises:
        ConfigurationError: There are none.
    """
    if term is None:
        return voices.VOICES
    if matches := voices.search(term):
        return matches
    named = voices.similar(term)
    if matches := tuple(voice for voice in voices.VOICES if voice.name in named):
        return matches
    spoken = (*voices.LANGUAGES.spoken, *voices.LANGUAGES.spoken_dialects)
    known = ", ".join(language.name for language in spoken if voices.search(language.name))
    raise ConfigurationError(f"no voice was made for {term!r}, though any speaks every language; there are: {known}")


def _list(chosen: tuple[Voice, ...], *, as_json: bool) -> None:
    if as_json:
        _output.answer_json([{**voice._asdict(), "chinese_language": voice.chinese_language} for voice in chosen])
        return
    rows = [(each.name, each.chinese_name, each.language, each.chinese_language, each.character) for each in chosen]
    show(("voice", "名字", "language", "语言", "character"), rows)
