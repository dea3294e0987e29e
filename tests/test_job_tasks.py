"""The tasks themselves: what windows say, joined to what a user gets. Tables, without a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pysubs2
import pytest
import webvtt

from langchain_dmx_omni import errors, jobs
from langchain_dmx_omni.jobs import Part, Task, Window
from langchain_dmx_omni.video.subtitles import Limits

# Windows 0–60 and 58–118.
WINDOWS = (Window(0, 0.0, 60.0), Window(1, 58.0, 118.0), Window(2, 116.0, 176.0))


def parts(task: Task[Any, Any], *answers: dict[str, Any]) -> list[Part[Any]]:
    """The parts with these answers; times count from the recording's start."""
    return [Part(window, task.schema.model_validate(each)) for window, each in zip(WINDOWS, answers, strict=False)]


def spans(items: list[Any], *names: str) -> list[tuple[Any, ...]]:
    return [(each.start, each.end, *(getattr(each, name) for name in names)) for each in items]


def closed(task: Task[Any, Any], answered: list[Part[Any]], answer: dict[str, Any]) -> Any:
    assert task.closing is not None
    return task.closing.apply(task.join(answered), answered, task.closing.schema.model_validate(answer))


# --- chapters ---------------------------------------------------------------------------------------------------------


def chapter(start: float, end: float, title: str, summary: str = "s") -> dict[str, Any]:
    return {"start": start, "end": end, "title": title, "summary": summary}


def film(title: str, summary: str, *chapters: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "summary": summary, "chapters": list(chapters)}


CHAPTERS: dict[str, tuple[list[dict[str, Any]], list[tuple[Any, ...]]]] = {
    "one window": ([film("T", "S", chapter(0, 20, "a"), chapter(20, 60, "b"))], [(0, 20, "a"), (20, 60, "b")]),
    "unsorted and over each other": (
        [film("T", "S", chapter(20, 60, "b"), chapter(0, 30, "a"))],
        [(0, 20, "a"), (20, 60, "b")],
    ),
    "one chapter over the edge": (
        [film("T", "S", chapter(0, 60, "The long walk")), film("", "", chapter(58, 100, "The long walk"))],
        [(0, 100, "The long walk")],
    ),
    "another chapter at the edge": (
        [film("T", "S", chapter(0, 60, "The walk")), film("", "", chapter(58, 100, "The boat"))],
        [(0, 58, "The walk"), (58, 100, "The boat")],
    ),
    "what both windows have seen, by two names": (
        [
            film("T", "S", chapter(0, 58, "The walk"), chapter(58, 60, "A shore")),
            film("", "", chapter(58, 100, "Rowing")),
        ],
        [(0, 58, "The walk"), (58, 100, "Rowing")],
    ),
    "nothing": ([film("T", "S"), film("", "")], []),
}


@pytest.mark.parametrize(("answers", "expected"), CHAPTERS.values(), ids=CHAPTERS)
def test_chapters_are_joined(answers: list[dict[str, Any]], expected: list[tuple[Any, ...]]) -> None:
    task = jobs.chapters()
    result = task.join(parts(task, *answers))
    assert spans(result.chapters, "title") == expected
    assert (result.title, result.summary) == ("T", "S")


def test_the_whole_film_is_told_at_the_end() -> None:
    task = jobs.chapters(language="German")
    answered = parts(
        task,
        film("A", "One.", chapter(0, 60, "The walk", "They walk.")),
        film("B", "Two.", chapter(58, 100, "On foot", "Still walking."), chapter(100, 118, "The boat", "They row.")),
    )
    assert task.closing is not None
    prompt = task.closing.prompt(task.join(answered), answered)
    assert prompt is not None
    assert "2. From 58 to 100 s: On foot. Still walking." in prompt
    assert "in German" in prompt
    result = closed(task, answered, {"title": "A journey", "summary": "By land and sea.", "continued": [2, 1, 99]})
    assert (result.title, result.summary) == ("A journey", "By land and sea.")
    assert spans(result.chapters, "title", "summary") == [
        (0, 100, "The walk", "They walk. Still walking."),
        (100, 118, "The boat", "They row."),
    ]


@pytest.mark.parametrize("make", [jobs.chapters, jobs.minutes])
def test_one_window_needs_no_closing_question(make: Any) -> None:
    task = make()
    empty = {"title": "", "summary": "", "chapters": [], "speakers": [], "decisions": [], "actions": []}
    answered = parts(task, empty)
    assert task.closing.prompt(task.join(answered), answered) is None
    assert make(closing=False).closing is None


# --- minutes ----------------------------------------------------------------------------------------------------------


def talk(summary: str, speakers: dict[str, str], *actions: tuple[Any, ...], decided: Any = ()) -> dict[str, Any]:
    return {
        "summary": summary,
        "speakers": [{"name": name, "description": description} for name, description in speakers.items()],
        "decisions": [{"start": start, "end": end, "text": text} for start, end, text in decided],
        "actions": [
            {"start": start, "end": end, "text": text, "owner": owner, "due": due}
            for start, end, text, owner, due in actions
        ],
    }


TALKS = (
    talk(
        "They plan.",
        {"Anna": "chairs", "Speaker 1": "a low voice"},
        (10, 15, "Book the hall.", "Speaker 1", None),
        (57, 60, "Write to the", "Anna", None),
        decided=[(20, 25, "The fair is in May.")],
    ),
    talk(
        "They part.",
        {"Speaker 1": "chairs", "Speaker 2": "a low voice"},
        (58, 62, "Write to the printer.", None, "Friday"),
        (70, 75, "Call Bob.", "Speaker 2", None),
    ),
)


def test_minutes_are_joined_by_the_names_that_are_said() -> None:
    task = jobs.minutes(closing=False)
    result = task.join(parts(task, *TALKS))
    assert result.summary == "They plan. They part."
    assert [speaker.name for speaker in result.speakers] == ["Anna", "Speaker 1", "Speaker 2"]
    assert spans(result.decisions, "text") == [(20, 25, "The fair is in May.")]
    assert spans(result.actions, "text", "owner", "due") == [
        (10, 15, "Book the hall.", "Speaker 1", None),
        (57, 62, "Write to the printer.", "Anna", "Friday"),
        (70, 75, "Call Bob.", "Speaker 2", None),
    ]


def test_who_is_who_is_asked_at_the_end() -> None:
    task = jobs.minutes(language="French")
    answered = parts(task, *TALKS)
    assert task.closing is not None
    prompt = task.closing.prompt(task.join(answered), answered)
    assert prompt is not None
    for line in (
        "Part 2: They part.",
        "3. Part 2, Speaker 1: chairs",
        "4. Part 2, Speaker 2: a low voice",
        "in French",
    ):
        assert line in prompt
    result = closed(
        task,
        answered,
        {
            "summary": "A fair is planned.",
            "people": [
                {"name": "Anna", "description": "chairs", "entries": [1, 3]},
                {"name": "Speaker 1", "description": "low voice", "entries": [2, 4, 0, 99]},
            ],
        },
    )
    assert result.summary == "A fair is planned."
    assert [(speaker.name, speaker.description) for speaker in result.speakers] == [
        ("Anna", "chairs"),
        ("Speaker 1", "low voice"),
    ]
    assert [action.owner for action in result.actions] == ["Speaker 1", "Anna", "Speaker 1"]


def test_who_is_not_placed_keeps_the_name() -> None:
    task = jobs.minutes()
    answered = parts(task, *TALKS)
    result = closed(task, answered, {"summary": "", "people": []})
    assert result == task.join(answered)


# --- subtitles --------------------------------------------------------------------------------------------------------


def heard(*lines: tuple[Any, ...]) -> dict[str, Any]:
    return {"lines": [dict(zip(("start", "end", "text", "translation"), each, strict=False)) for each in lines]}


SPOKEN = (
    heard((1, 3, "Good evening."), (57.5, 60, "And now to the")),
    heard((58, 61, "And now to the weather."), (80, 99, "It rains & <pours>. " * 8)),
    heard(),
)


def test_subtitles_are_joined_and_read_by_other_libraries(tmp_path: Path) -> None:
    task = jobs.subtitles()
    result = task.join(parts(task, *SPOKEN))
    assert spans(result.lines, "text")[:2] == [(1, 3, "Good evening."), (57.5, 61, "And now to the weather.")]
    captions = webvtt.read(str(result.save(tmp_path / "a.vtt"))).captions
    events = pysubs2.load(str(result.save(tmp_path / "a.srt"))).events
    assert [(caption.start, caption.end) for caption in captions[:2]] == [
        ("00:00:01.000", "00:00:03.000"),
        ("00:00:57.500", "00:01:01.000"),
    ]
    assert [(event.start, event.end) for event in events] == [
        (round(cue.start * 1000), round(cue.end * 1000)) for cue in result.cues()
    ]
    assert len(captions) == len(events) == 4
    assert "It rains &amp; &lt;pours&gt;." in captions[2].raw_text


# Lines as they are heard, and what stands on the screen: what is said twice in a row is shown once.
REPEATED: dict[str, tuple[list[tuple[float, float, str]], list[tuple[float, float, str]]]] = {
    "a loop at one time": (
        [(1, 2, "Hello."), *[(5, 6, "Thank you.")] * 60, (6, 8, "The weather.")],
        [(1, 2, "Hello."), (5, 6, "Thank you."), (6, 8, "The weather.")],
    ),
    "a loop, one after the other": (
        [*[(at / 10, at / 10 + 0.1, "Thank you.") for at in range(60)], (6, 8, "The weather.")],
        [(0, 6, "Thank you."), (6, 8, "The weather.")],
    ),
    "a loop over what is said": (
        [*[(5, 9, "Thank you.")] * 30, (6, 8, "The weather."), *[(8.5, 9, "Thank you.")] * 30, (9, 11, "It rains.")],
        [(5, 6, "Thank you."), (6, 8, "The weather."), (8.5, 9, "Thank you."), (9, 11, "It rains.")],
    ),
    "said twice": ([(1, 2, "No."), (3, 4, "No.")], [(1, 2, "No."), (3, 4, "No.")]),
}


@pytest.mark.parametrize(("lines", "expected"), REPEATED.values(), ids=REPEATED)
def test_repetition_pushes_nothing_off_its_time(
    lines: list[tuple[float, float, str]], expected: list[tuple[float, float, str]]
) -> None:
    task = jobs.subtitles()
    result = task.join(parts(task, heard(*lines)))
    assert len(result.lines) == len(lines)
    assert [tuple(cue)[:3] for cue in result.cues()] == expected


GAPS = [jobs.Missing(WINDOWS[1], errors.BadRequestError("no"))]


def test_a_file_says_what_is_missing(tmp_path: Path) -> None:
    task = jobs.subtitles()
    result = task.join(parts(task, heard((1, 3, "Good evening.")))).with_missing(GAPS)
    target = result.save(tmp_path / "a.vtt")
    assert target.read_text("utf-8") == (
        "WEBVTT\n\nNOTE\nmissing: 00:00:58.000 to 00:01:58.000\n\n00:00:01.000 --> 00:00:03.000\nGood evening.\n\n"
    )
    assert [caption.text for caption in webvtt.read(str(target)).captions] == ["Good evening."]
    with pytest.warns(errors.DMXOmniWarning, match="gaps: missing: 00:00:58.000 to 00:01:58.000"):
        result.save(tmp_path / "a.srt")
    assert result.vtt("text").count("NOTE") == 1


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    result = jobs.Subtitles(lines=[jobs.Line(start=0, end=1, text="a")])
    (tmp_path / "film.srt").write_text("before")
    (tmp_path / "link.srt").symlink_to("film.srt")
    result.save(tmp_path / "link.srt")
    assert (tmp_path / "film.srt").read_text() == result.srt()
    assert (tmp_path / "link.srt").is_symlink()
    (tmp_path / "folder.srt").mkdir()
    for name in ("nowhere/a.srt", "film.srt/a.srt", "folder.srt"):
        with pytest.raises(errors.StorageError, match=rf"can't save subtitles in .*{name}: .*; .* give another path"):
            result.save(tmp_path / name)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["film.srt", "folder.srt", "link.srt"]


TRANSLATED = heard((1, 3, "Guten Abend.", "Good evening."), (4, 6, "Ja.", ""))
SHOWN: dict[str | None, list[tuple[str, str]]] = {
    None: [("Good evening.", ""), ("Ja.", "")],
    "translation": [("Good evening.", ""), ("Ja.", "")],
    "text": [("Guten Abend.", ""), ("Ja.", "")],
    "both": [("Guten Abend.", "Good evening."), ("Ja.", "")],
}


@pytest.mark.parametrize(("show", "expected"), SHOWN.items(), ids=str)
def test_what_is_shown_of_a_translation(show: Any, expected: list[tuple[str, str]]) -> None:
    task = jobs.subtitles(translate="English", language="German")
    assert "Translate each entry into English." in task.instructions
    assert "The language is German." in task.instructions
    result = task.join(parts(task, TRANSLATED))
    assert [(cue.text, cue.below) for cue in result.cues(show)] == expected


def test_a_translation_must_be_given_where_it_is_asked_for() -> None:
    with pytest.raises(ValueError, match="translation"):
        jobs.subtitles(translate="English").schema.model_validate(heard((1, 2, "Ja.")))


@pytest.mark.parametrize("show", ["translation", "both"])
def test_there_is_no_translation_to_show(show: Any) -> None:
    with pytest.raises(errors.InvalidInputError, match=r"subtitles\(translate=…\)"):
        jobs.Subtitles(lines=[jobs.Line(start=0, end=1, text="a")]).srt(show)


def test_nobody_speaks(tmp_path: Path) -> None:
    task = jobs.subtitles(translate="English")
    result = task.join(parts(task, heard(), heard()))
    assert (result.lines, result.srt("both"), result.vtt()) == ([], "", "WEBVTT\n\n")
    assert webvtt.read(str(result.save(tmp_path / "a.vtt"))).captions == []
    assert pysubs2.load(str(result.save(tmp_path / "a.SRT")), format_="srt").events == []


@pytest.mark.parametrize("name", ["a.txt", "srt", "a.ass"])
def test_a_name_that_says_no_kind(tmp_path: Path, name: str) -> None:
    with pytest.raises(errors.InvalidInputError, match=r"saved as \.srt or \.vtt"):
        jobs.Subtitles(lines=[]).save(tmp_path / name)
    assert not (tmp_path / name).exists()


def test_other_limits() -> None:
    result = jobs.Subtitles(lines=[jobs.Line(start=0, end=4, text="one two three four")])
    assert result.srt(limits=Limits(line_length=10, lines=1)).count("-->") == 2


# --- captions ---------------------------------------------------------------------------------------------------------


def caption(**fields: Any) -> dict[str, Any]:
    return {"title": "", "seen": "", "entities": [], "written": [], "said": [], **fields}


def said(start: float, end: float, text: str, speaker: str = "") -> dict[str, Any]:
    return {"start": start, "end": end, "text": text, "speaker": speaker}


NOTHING: dict[str, dict[str, Any]] = {
    "empty": caption(),
    "null": {"title": None, "seen": None, "entities": None, "written": None, "said": None},
    "left out": {"seen": ""},
    "blank": caption(seen=" ", entities=["", " "], said=[said(0, 1, " ")], written=[said(0, 1, "")]),
}


@pytest.mark.parametrize("answer", NOTHING.values(), ids=NOTHING)
@pytest.mark.parametrize("transcript", [True, False])
def test_a_window_with_nothing_in_it_is_an_answer(answer: dict[str, Any], transcript: bool) -> None:
    task = jobs.captions(transcript=transcript)
    result = task.join(parts(task, answer))
    assert result.windows == [jobs.Caption(start=0, end=60)]
    assert (result.lines, result.written) == ([], [])


@pytest.mark.parametrize("answer", [{}, {"error": "no"}, {"seen": ["a"]}, []], ids=str)
def test_what_says_nothing_of_the_pictures_is_no_caption(answer: Any) -> None:
    with pytest.raises(ValueError, match="SpokenScene"):
        jobs.captions().schema.model_validate(answer)


def test_captions_are_joined() -> None:
    task = jobs.captions()
    answers = [
        caption(
            title="The yard ",
            seen="A crane turns.",
            entities=["crane", "Ada ", "crane"],
            said=[said(1, 3, "Stop it.", "Ada"), said(57, 59.5, "Why has it", "Ada")],
            written=[said(10, 60, "GATE 4"), said(20, 25, "起重机")],
        ),
        caption(
            said=[said(58, 61, "Why has it stopped?", "Speaker 1"), said(70, 71, "Why has it stopped?", "Bo")],
            written=[said(58, 118, "Gate 4")],
        ),
        caption(written=[said(116, 120, "GATE 4"), said(170, 176, "Gate 5")]),
    ]
    result = task.join(parts(task, *answers))
    assert [(each.start, each.end) for each in result.windows] == [(0, 60), (58, 118), (116, 176)]
    first = result.windows[0]
    assert (first.title, first.seen, first.entities) == ("The yard", "A crane turns.", ["crane", "Ada"])
    assert spans(first.said, "text", "speaker") == [(1, 3, "Stop it.", "Ada"), (57, 59.5, "Why has it", "Ada")]
    # What two windows have heard is there once, and what stands there over their edges as well.
    assert spans(result.lines, "text") == [
        (1, 3, "Stop it."),
        (57, 61, "Why has it stopped?"),
        (70, 71, "Why has it stopped?"),
    ]
    assert spans(result.written, "text") == [(10, 120, "GATE 4"), (20, 25, "起重机"), (170, 176, "Gate 5")]


ASKED: dict[str, tuple[dict[str, Any], str, bool]] = {
    "by default": ({}, "in the language that is spoken, or in English", True),
    "a language": ({"language": "Chinese"}, "Describe in Chinese.", True),
    "no transcript": ({"transcript": False}, "in the language that is spoken", False),
}


@pytest.mark.parametrize(("options", "language", "transcript"), ASKED.values(), ids=ASKED)
def test_what_captions_ask(options: dict[str, Any], language: str, transcript: bool) -> None:
    task = jobs.captions(**options)
    prompt = task.prompt(WINDOWS[0], 3)
    assert language in prompt
    assert ("what is said" in prompt) is transcript
    assert ("said" in task.schema.model_json_schema()["properties"]) is transcript
    assert not task.needs_sound


def test_another_question_is_another_version() -> None:
    tasks = [jobs.captions(**options) for options, *_ in ASKED.values()]
    assert len({task.version for task in tasks}) == len(tasks)
    assert jobs.captions().version == tasks[0].version


# --- moderation -------------------------------------------------------------------------------------------------------


def finding(start: float, end: float, category: str, severity: str = "low", reason: str = "r") -> dict[str, Any]:
    return {"start": start, "end": end, "category": category, "severity": severity, "reason": reason}


MODERATED: dict[str, tuple[list[list[dict[str, Any]]], str, list[tuple[Any, ...]]]] = {
    "nothing": ([[], []], "allow", []),
    "a hint": ([[finding(1, 2, "drugs")]], "allow", [(1, 2, "drugs", "low")]),
    "plain": ([[finding(1, 2, "drugs", "medium")]], "review", [(1, 2, "drugs", "medium")]),
    "worst of all": (
        [[finding(1, 2, "drugs"), finding(3, 4, "hate", "high")], [finding(90, 91, "drugs", "medium")]],
        "block",
        [(1, 2, "drugs", "low"), (3, 4, "hate", "high"), (90, 91, "drugs", "medium")],
    ),
    "over the edge, and worse behind it": (
        [[finding(50, 60, "violence", "low")], [finding(58, 80, "Violence", "high")]],
        "block",
        [(50, 80, "Violence", "high")],
    ),
    "two kinds at a time": (
        [[finding(58, 60, "violence")], [finding(58, 60, "drugs")]],
        "allow",
        [(58, 60, "violence", "low"), (58, 60, "drugs", "low")],
    ),
    "a category of the model's own": ([[finding(1, 2, "spoilers")]], "allow", [(1, 2, "spoilers", "low")]),
}


@pytest.mark.parametrize(("severity", "verdict"), [("low", "review"), ("medium", "review"), ("high", "block")])
def test_what_nobody_has_looked_at_is_not_allowed(severity: str, verdict: str) -> None:
    task = jobs.moderation()
    result = task.join(parts(task, {"findings": [finding(1, 2, "drugs", severity)]}))
    assert result.with_missing(GAPS).verdict == verdict
    assert result.with_missing([]) == result


@pytest.mark.parametrize(("findings", "verdict", "expected"), MODERATED.values(), ids=MODERATED)
def test_moderation_is_joined(
    findings: list[list[dict[str, Any]]], verdict: str, expected: list[tuple[Any, ...]]
) -> None:
    task = jobs.moderation()
    result = task.join(parts(task, *({"findings": each} for each in findings)))
    assert result.verdict == verdict
    assert spans(result.findings, "category", "severity") == expected


def test_categories_of_your_own() -> None:
    task = jobs.moderation(categories={"logos": "brand names shown"}, language="Spanish")
    assert "\n- logos: brand names shown\n" in task.instructions
    assert "in Spanish" in task.instructions
    category = task.schema.model_json_schema()["$defs"]["Finding"]["properties"]["category"]
    assert category["enum"] == ["logos"]
    assert jobs.moderation().schema is not task.schema


# --- highlights -------------------------------------------------------------------------------------------------------


def highlight(start: float, end: float, title: str, score: float) -> dict[str, Any]:
    return {"start": start, "end": end, "title": title, "reason": "r", "score": score}


HIGHLIGHTED: dict[str, tuple[list[list[dict[str, Any]]], list[tuple[Any, ...]]]] = {
    "the best first": (
        [[highlight(1, 2, "a", 0.2), highlight(5, 9, "b", 0.9)], [highlight(70, 80, "c", 0.5)]],
        [(5, 9, "b", 0.9), (70, 80, "c", 0.5), (1, 2, "a", 0.2)],
    ),
    "three at the most": (
        [[highlight(at, at + 1, f"moment {'abcd'[at]}", at / 10) for at in range(4)]],
        [(3, 4, "moment d", 0.3), (2, 3, "moment c", 0.2), (1, 2, "moment b", 0.1)],
    ),
    "over the edge, in the words of the better": (
        [[highlight(50, 60, "The last goal", 0.5)], [highlight(58, 70, "The last goal!", 0.8)]],
        [(50, 70, "The last goal!", 0.8)],
    ),
    "other scales": (
        [[highlight(1, 2, "a", 85), highlight(3, 4, "b", 9), highlight(5, 6, "c", -3)]],
        [(3, 4, "b", 0.9), (1, 2, "a", 0.85), (5, 6, "c", 0.0)],
    ),
    "nothing": ([[], []], []),
}


@pytest.mark.parametrize(("answers", "expected"), HIGHLIGHTED.values(), ids=HIGHLIGHTED)
def test_highlights_are_joined(answers: list[list[dict[str, Any]]], expected: list[tuple[Any, ...]]) -> None:
    task = jobs.highlights(most=3, about="goals", language="Spanish")
    assert "3 at the most" in task.instructions
    assert "What counts is this: goals. Write in Spanish." in task.instructions
    result = task.join(parts(task, *({"highlights": each} for each in answers)))
    assert spans(result.highlights, "title", "score") == expected


# --- a question of one's own ------------------------------------------------------------------------------------------


def replied(answer: str, *evidence: tuple[float, float, str], relevant: bool = True) -> dict[str, Any]:
    shown = [{"start": start, "end": end, "what": what} for start, end, what in evidence]
    return {"relevant": relevant, "answer": answer, "evidence": shown}


ANSWERED: dict[str, tuple[list[dict[str, Any]], str, list[tuple[Any, ...]]]] = {
    "one window": ([replied("In the hall.", (5, 9, "Anna speaks"))], "In the hall.", [(5, 9, "Anna speaks")]),
    "what is not relevant is left out": (
        [replied("I can't tell.", (1, 2, "a door"), relevant=False), replied("At the end.", (70, 80, "Anna speaks"))],
        "At the end.",
        [(70, 80, "Anna speaks")],
    ),
    "over the edge": (
        [replied("First.", (50, 60, "Anna speaks")), replied("Then.", (58, 70, "Anna speaks."))],
        "First. Then.",
        [(50, 70, "Anna speaks.")],
    ),
    "relevant, and nothing said": ([replied("")], "", []),
    "nothing": ([replied("", relevant=False), {"relevant": False}], "", []),
}


@pytest.mark.parametrize(("answers", "answer", "evidence"), ANSWERED.values(), ids=ANSWERED)
def test_a_question_is_answered(answers: list[dict[str, Any]], answer: str, evidence: list[tuple[Any, ...]]) -> None:
    task = jobs.ask("Where does\n Anna speak?")
    assert "recording: Where does Anna speak?\n" in task.instructions
    result = task.join(parts(task, *answers))
    assert (result.answer, spans(result.evidence, "what")) == (answer, evidence)


def test_one_answer_is_asked_for_at_the_end() -> None:
    task = jobs.ask("Where does Anna speak?", language="German")
    answered = parts(
        task,
        replied("In the hall.", (5, 9, "Anna speaks")),
        replied("", relevant=False),
        replied("At the door.", (120, 125, "Anna whispers")),
    )
    assert task.closing is not None
    prompt = task.closing.prompt(task.join(answered), answered)
    assert prompt is not None
    for line in (
        "part by part: Where does Anna speak?",
        "From 0 to 60 s: In the hall.",
        "From 116 to 176 s: At the door.",
        "At 120 s: Anna whispers",
        "in German",
    ):
        assert line in prompt
    result = closed(task, answered, {"answer": "Twice."})
    assert (result.answer, len(result.evidence)) == ("Twice.", 2)
    assert closed(task, answered, {"answer": ""}).answer == "In the hall. At the door."
    assert task.closing.prompt(task.join(answered[:2]), answered[:2]) is None
    assert jobs.ask("?", closing=False).closing is None


def test_a_question_says_something() -> None:
    with pytest.raises(errors.ConfigurationError, match="give a question"):
        jobs.ask(" \n")
