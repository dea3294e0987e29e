"""The model of `make library`: an answer function of the local gateway.

What it knows of a clip it has from the clip's own pictures and sound (`watch.py`). It fills the schemas that the
library asks with, and answers from the evidence that it is given.
"""

from __future__ import annotations

import json
import re
from typing import Any

from langchain_dmx_omni.testing import Request
from langchain_dmx_omni.testing._simulator.requested_json import requested_schema

from . import table
from .watch import Footage, Shown, watch

_QUESTION = re.compile(r"\bquestion:\s*(\S.*)", re.IGNORECASE)
_EVIDENCE = re.compile(r"^\[(?P<number>\d+)\] (?P<about>.*?\d:\d\d): (?P<quote>.*)$", re.MULTILINE)
_TO_SAY = re.compile(r"^Say exactly these words.*?:\s*(?P<words>\S.*)", re.DOTALL)
_CHINESE = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[a-z0-9]{2,}")
_IDLE_WORDS = frozenset(
    _WORD.findall(
        "an and are as at be by can did do does for from had has have how in is it its long many much of off on or "
        "that the there they this to was were what when where which who why will with you your"
    )
)
_IDLE_SIGNS = frozenset("的了吗呢么什怎为谁哪在是有要会能多少几个这那来去上下里")
_STEM = 4
"""Letters by which words are the same: stop, stops, stopped."""
_ENOUGH = 0.7
"""Of what is asked for; less of it is something else."""


def answer(request: Request) -> str:
    """Answer a request."""
    schema = request.schema or (requested_schema(request.prompt) if request.format != "text" else None)
    footage = next((seen for media in request.media if media.data and (seen := watch(media.data))), None)
    question = match[1].strip() if (match := _QUESTION.search(request.question)) else request.question
    if schema is None:
        return _in_words(request, question, footage)
    properties = schema["properties"]
    if "queries" in properties:
        value = _plan(question)
    elif "present" in properties:
        value = _look(question, footage)
    else:
        value = _caption(footage)
    return json.dumps({name: value[name] for name in properties}, ensure_ascii=False)


# The schemas of the library


def _caption(footage: Footage | None) -> dict[str, Any]:
    """What a window shows."""
    scenes = footage.scenes if footage else ()
    return {
        "title": footage.film.title if footage else "",
        "seen": " ".join(shown.scene.seen for shown in scenes),
        "said": [
            {"start": shown.speech[0], "end": shown.speech[1], "text": shown.scene.said, "speaker": footage.film.voice}
            for shown in scenes
            if footage and shown.speech
        ],
        "written": [
            {"start": shown.start, "end": shown.end, "text": shown.scene.written}
            for shown in scenes
            if shown.scene.written
        ],
        "entities": list(dict.fromkeys(name for shown in scenes for name in shown.scene.appears)),
    }


def _plan(question: str) -> dict[str, Any]:
    """What to search for."""
    return {"queries": [_translated(question)]}


def _look(question: str, footage: Footage | None) -> dict[str, Any]:
    """Whether a clip shows what is asked, from when to when, and what is seen there."""
    asked = _terms(_translated(question))

    def shared(shown: Shown) -> int:
        return len(asked & _terms(_text_of(footage, shown)))

    best = max(footage.scenes, key=shared, default=None) if footage else None
    if best is None or shared(best) < max(2, _ENOUGH * len(asked)):
        return {"present": False, "start": 0.0, "end": 0.0, "seen": ""}
    scene = best.scene
    said = scene.said_in_chinese if _CHINESE.search(question) and scene.said_in_chinese else scene.said
    return {"present": True, "start": best.start, "end": best.end, "seen": said if best.speech else scene.seen}


def _text_of(footage: Footage | None, shown: Shown) -> str:
    scene = shown.scene
    title = footage.film.title if footage else ""
    return " ".join([title, scene.seen, scene.said if shown.speech else "", scene.written, *scene.appears])


# In words


def _in_words(request: Request, question: str, footage: Footage | None) -> str:
    if to_say := _TO_SAY.search(request.question):
        return to_say["words"].strip()
    if evidence := list(_EVIDENCE.finditer(request.question)):
        return _from_evidence(question, evidence)
    if footage:
        return " ".join(shown.scene.seen for shown in footage.scenes)
    return "I know nothing but the films of this library."


def _from_evidence(question: str, evidence: list[re.Match[str]]) -> str:
    """Repeat the evidence that has most in common with the question, and cite it."""
    asked = _terms(question) | _terms(_translated(question))

    def shared(each: re.Match[str]) -> int:
        return len(asked & _terms(f"{each['about']} {each['quote']}"))

    most = max(map(shared, evidence))
    if not most:
        return "这些片段没有回答这个问题。" if _CHINESE.search(question) else "The moments do not answer this."
    best = next(each for each in evidence if shared(each) == most)
    return f"{best['quote']} [{best['number']}]"


def _translated(question: str) -> str:
    return table.load().translations.get(question, question)


def _terms(text: str) -> set[str]:
    """What a text can be compared by: stems of words, and Chinese signs."""
    stems = {word[:_STEM] for word in _WORD.findall(text.lower()) if word not in _IDLE_WORDS}
    return stems | {sign for sign in _CHINESE.findall(text) if sign not in _IDLE_SIGNS}
