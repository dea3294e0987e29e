"""Citations: what an answer may point to, and what becomes of what points nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from langchain_dmx_omni.library._citations import CheckedAnswer, Citation, check, not_shown, speakable
from langchain_dmx_omni.library._spelling import clock, is_chinese, spoken_time, time_range

EVIDENCE = [
    Citation("/films/crane.mp4", 65.0, 70.4, "the hook is still", title="Crane", number=1, moment_id="a"),
    Citation("/films/gate.mp4", 3.0, 4.0, "a gate opens", number=2, moment_id="b"),
    Citation("/films/talk.mp4", 3661.0, 3700.0, "大家好", title="讲座", number=3, moment_id="c"),
]
NOTHING = "The library does not show it."


@pytest.mark.parametrize(
    ("answer", "text", "numbers"),
    [
        # What points to evidence stays as it is written.
        ("It stopped [1].", "It stopped [1].", [1]),
        ("It stopped[1].", "It stopped[1].", [1]),
        ("它停了【2】。", "它停了【2】。", [2]),
        ("它停了［１］。", "它停了［１］。", [1]),
        ("它停了［１，２］。", "它停了［１，２］。", [1, 2]),
        ("A 〔2〕 b [^3]", "A 〔2〕 b [^3]", [2, 3]),
        ("Both [1, 2].", "Both [1, 2].", [1, 2]),
        ("Both [1;2] [1 2].", "Both [1;2] [1 2].", [1, 2]),
        ("Both [1][3].", "Both [1][3].", [1, 3]),
        ("Both [1], [3].", "Both [1], [3].", [1, 3]),
        ("All [1-3].", "All [1-3].", [1, 2, 3]),
        ("All [1–3] [3–1].", "All [1–3] [3–1].", [1, 2, 3]),
        ("All [1, 2-3].", "All [1, 2-3].", [1, 2, 3]),
        # In the order of first mention, each once.
        ("A [3] b [1] c [3].", "A [3] b [1] c [3].", [3, 1]),
        # What points to no evidence goes, with the space before it.
        ("A [1] b [9].", "A [1] b.", [1]),
        ("A [1] [9] b", "A [1] b", [1]),
        ("A [9] [1] b", "A [1] b", [1]),
        ("A [9][1] b", "A [1] b", [1]),
        ("A [1], [9], b", "A [1], b", [1]),
        ("A　【9】，b【1】", "A，b【1】", [1]),
        ("A [1, 9] b", "A [1] b", [1]),
        ("A [0] b [-1] c [1]", "A b [-1] c [1]", [1]),
        ("A [2-99] b", "A [2, 3] b", [2, 3]),
        ("A [1-999999999999999999999999] b", "A [1, 2, 3] b", [1, 2, 3]),
        ("A [2024] b [1]", "A b [1]", [1]),
        ("[9] A [1]", "A [1]", [1]),
        # The address of a link is the model's own.
        ("A [1](https://example.com/x) b", "A [1] b", [1]),
        ("A [9](https://example.com/x) b [1]", "A b [1]", [1]),
        ("A [1] (it is still)", "A [1] (it is still)", [1]),
        # Other brackets are no markers.
        ("[music] at [0:12], list[i], [1.5], [a1] [1]", "[music] at [0:12], list[i], [1.5], [a1] [1]", [1]),
        # Times stay the model's words: those of the citation are the evidence's.
        ("It stopped at 9:59 [1].", "It stopped at 9:59 [1].", [1]),
        # What rests on nothing.
        ("It stopped.", NOTHING, []),
        ("It stopped [9].", NOTHING, []),
        ("", NOTHING, []),
    ],
)
def test_markers(answer: str, text: str, numbers: list[int]) -> None:
    checked = check(answer, EVIDENCE, "Did it stop?")
    assert checked == CheckedAnswer(text, [EVIDENCE[number - 1] for number in numbers])


@pytest.mark.parametrize(
    "text", ["a" + " " * 100_000, "[1" + " " * 100_000, "[1,1" * 50_000, "[" * 100_000, " [1]" * 20_000], ids=len
)
def test_long_answers_are_read_in_time(text: str) -> None:
    assert len(check(text, EVIDENCE, "").citations) <= 1


@pytest.mark.parametrize(
    ("question", "sentence"),
    [
        ("When did the crane stop?", NOTHING),
        ("起重机什么时候停的？", "视频库中没有这方面的内容。"),
        ("When did 起重机 stop?", "视频库中没有这方面的内容。"),
        ("クレーンはいつ止まった？", NOTHING),
        ("크레인은 언제 멈췄나?", NOTHING),
        ("", NOTHING),
    ],
)
def test_what_the_library_does_not_show_is_said_in_the_questions_language(question: str, sentence: str) -> None:
    assert not_shown(question) == check("It did.", EVIDENCE, question).text == sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It stopped [1].", "It stopped."),
        ("It stopped at 1:05 [1].", "It stopped at 1 minute 5 seconds."),
        ("From 1:05–1:10 [1] it is still.", "From 1 minute 5 seconds to 1 minute 10 seconds it is still."),
        ("它在1:05停了【1】。", "它在1分5秒停了。"),
        ("讲座从1:01:01开始【3】。", "讲座从1小时1分1秒开始。"),
        # No time of a citation: it may be one of the clock, a score, or wrong.
        ("At 9:30 the gate opened [2].", "At 9:30 the gate opened."),
        ("At 1:05 the gate opened [2].", "At 1:05 the gate opened."),
        ("0:03:99 and 10:03.5 [2]", "0:03:99 and 10:03.5"),
    ],
)
def test_what_is_spoken(text: str, words: str) -> None:
    assert speakable(check(text, EVIDENCE, "")) == words


@pytest.mark.parametrize(
    ("seconds", "written", "english", "chinese"),
    [
        (0.0, "0:00", "0 seconds", "0秒"),
        (1.9, "0:01", "1 second", "1秒"),
        (65.0, "1:05", "1 minute 5 seconds", "1分5秒"),
        (3600.0, "1:00:00", "1 hour", "1小时"),
        (7325.0, "2:02:05", "2 hours 2 minutes 5 seconds", "2小时2分5秒"),
    ],
)
def test_times(seconds: float, written: str, english: str, chinese: str) -> None:
    assert clock(seconds) == written
    assert spoken_time(written, chinese=False) == english
    assert spoken_time(written, chinese=True) == chinese
    assert time_range(0, seconds) == f"0:00–{written}"


def test_a_language_is_known_by_its_script() -> None:
    assert [is_chinese(text) for text in ("汉", "𠀀", "a", "漢字です", "漢字 한글", "カ")] == [True, True, *[False] * 4]


def test_a_citation(tmp_path: Path, film: Path) -> None:
    citation = Citation(str(film), 2.0, 4.5, "it is still", title="Film", number=2)
    assert citation.uri == f"{film}#t=2.000,4.500"
    assert str(citation) == "[2] Film, 0:02–0:04: it is still"
    assert str(Citation("/films/gate.mp4", 3.0, 4.0, "a gate")) == "[0] gate.mp4, 0:03–0:04: a gate"
    assert citation == Citation(str(film), 2.0, 4.5, "it is still")
    assert citation.clip(tmp_path / "clip.mp4") == tmp_path / "clip.mp4"
