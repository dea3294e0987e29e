"""Jobs by windows: what is asked, in which order, how many at a time, and what happens when it fails."""

from __future__ import annotations

import ast
import asyncio
import json
import multiprocessing
import pickle
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from pydantic import BaseModel

from langchain_dmx_omni import errors, jobs, video
from langchain_dmx_omni.jobs import Job, Progress, Task
from langchain_dmx_omni.testing import LocalGateway, Script, scripts
from tests import gateway_clips as clips
from tests.calls import COLLECTED, body_of, model, partial_of, until
from tests.job_calls import SCENES, TITLED, Film, Scene, encoded_windows, run, says, topics_of

ROOT = Path(__file__).resolve().parent.parent


# --- asking and joining -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
def test_every_window_is_asked_about_and_its_times_are_moved(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str
) -> None:
    answers = [says((0.5, 1.0, f"scene {number}"), (1.5, 99, "over the end")) for number in range(5)]
    gateway.play(*answers)
    job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
    result = run(job, way, film, max_concurrency=1)
    assert [(scene.start, scene.end, scene.what) for scene in result.scenes] == [
        each
        for number in range(5)
        for each in [
            (2 * number + 0.5, 2 * number + 1.0, f"scene {number}"),
            (2 * number + 1.5, 2 * number + 2.0, "over the end"),
        ]
    ]
    assert topics_of(gateway) == ["1", "2", "3", "4", "5"]


def test_what_is_sent(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    Job(model(gateway, voice="Tina"), SCENES, window=6, overlap=0, folder=tmp_path).invoke(film)
    body = next(body_of(request) for request in gateway.requests if "part 2 of 2" in json.dumps(request.body))
    (schema, question) = body["input"]
    assert schema["role"] == "system"
    assert schema["content"].startswith("Answer with nothing but a JSON object that matches this JSON schema: {")
    assert [part["type"] for part in question["content"]] == ["video_url", "text"]
    assert question["content"][1]["text"] == (
        "Name the scenes.\n\n"
        "This is part 2 of 2 of a longer recording and lasts 4.0 seconds. Give every time in seconds since the "
        "beginning of this part, as a number from 0 to 4.0. Say only what is seen or heard; where there is nothing, a "
        "list is empty."
    )
    assert body["modalities"] == ["text"]
    assert "tools" not in body


def test_one_window(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    gateway.play(says((1, 2, "all of it")))
    result = Job(model(gateway), SCENES, folder=tmp_path).invoke(film)
    assert [(scene.start, scene.end, scene.what) for scene in result.scenes] == [(1, 2, "all of it")]
    assert topics_of(gateway) == ["whole"]


@pytest.mark.parametrize("around", ["{}", "```json\n{}\n```", "Here it is:\n```\n{}\n```\nAnything else?"], ids=repr)
def test_json_may_stand_in_a_fence(gateway: LocalGateway, film: Path, tmp_path: Path, around: str) -> None:
    answer = '{"scenes": [{"start": "0:01", "end": 2, "what": "a"}]}'
    gateway.play(scripts.sse(scripts.answer(around.replace("{}", answer))))
    assert Job(model(gateway), SCENES, folder=tmp_path).invoke(film).scenes == [Scene(start=1, end=2, what="a")]
    assert len(gateway.requests) == 1


def test_sound_alone(gateway: LocalGateway, tmp_path: Path) -> None:
    talk = tmp_path / "talk.wav"
    talk.write_bytes(clips.sound(5.0, 0.5))
    result = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path).invoke(talk)
    assert [(scene.start, scene.end) for scene in result.scenes][-1][1] == pytest.approx(5.0, abs=0.1)
    assert {body_of(request)["input"][-1]["content"][0]["type"] for request in gateway.requests} == {"input_audio"}


def test_function_calling_as_well(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    arguments = {"scenes": [{"start": 1, "end": 2, "what": "a"}]}
    gateway.play(scripts.sse(scripts.called(scripts.Call("Scenes", arguments))))
    job = Job(model(gateway), SCENES, folder=tmp_path, method="function_calling")
    assert job.invoke(film).scenes == [Scene(start=1, end=2, what="a")]
    assert [tool["name"] for tool in body_of(gateway.requests[0])["tools"]] == ["Scenes"]


@pytest.mark.parametrize("way", COLLECTED)
def test_the_closing_question_is_asked_once(gateway: LocalGateway, film: Path, tmp_path: Path, way: str) -> None:
    gateway.play(*[says((0, 1, "a"))] * 2, scripts.sse(scripts.answer('{"title": "Two"}')))
    job = Job(model(gateway), TITLED, window=5, overlap=0, folder=tmp_path)
    first = run(job, way, film)
    assert first.title == "Two"
    assert sorted(topics_of(gateway))[:2] == ["1", "2"]
    assert body_of(gateway.requests[-1])["input"][-1]["content"] == "Find a title for 2 scenes in 2 parts."
    assert run(job, way, film) == first
    assert len(gateway.requests) == 3


@pytest.mark.parametrize("way", COLLECTED)
def test_a_closing_question_that_is_refused(gateway: LocalGateway, film: Path, tmp_path: Path, way: str) -> None:
    gateway.play(*[says((0, 1, "a"))] * 2, *[scripts.error(400, "inappropriate content")] * 2)
    options: dict[str, Any] = {"window": 5, "overlap": 0, "folder": tmp_path}
    with pytest.raises(errors.BadRequestError, match="inappropriate") as caught:
        run(Job(model(gateway), TITLED, **options), way, film)
    assert caught.value.__notes__[0] == "titled: the closing question about film.mp4"
    assert caught.value.__notes__[1].startswith(f"2 of 2 windows are answered and kept in {tmp_path}")
    with pytest.warns(errors.DMXOmniWarning, match="titled: the closing question has no answer.*inappropriate"):
        result = run(Job(model(gateway), TITLED, on_error="skip", **options), way, film)
    assert (result.title, len(result.scenes), result.missing) == ("", 2, [])
    assert len(gateway.requests) == 4


# --- concurrency ------------------------------------------------------------------------------------------------------


class Counter(BaseCallbackHandler):
    """Counts the calls in flight."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now = self.most = self.calls = 0
        self.windows: list[int] = []
        self.tags: set[str] = set()
        self.runs: list[str] = []

    def on_chain_start(self, *_: Any, name: str = "", **kwargs: Any) -> None:
        self.runs.append(name)

    def on_chat_model_start(self, *_: Any, **kwargs: Any) -> None:
        with self.lock:
            self.now, self.calls = self.now + 1, self.calls + 1
            self.most = max(self.most, self.now)
            self.windows.append(kwargs["metadata"]["window"])
            self.tags |= set(kwargs["tags"])

    def on_llm_end(self, *_: Any, **kwargs: Any) -> None:
        with self.lock:
            self.now -= 1


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("most", [1, 2, 5])
def test_as_many_calls_at_a_time_as_the_config_says(film: Path, tmp_path: Path, way: str, most: int) -> None:
    counter = Counter()
    with LocalGateway(pace=0.01) as gateway:
        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
        run(job, way, film, max_concurrency=most, callbacks=[counter], tags=["mine"])
    assert (counter.calls, sorted(counter.windows)) == (5, [0, 1, 2, 3, 4])
    assert counter.most <= most
    assert (counter.most > 1) is (most > 1)
    assert "mine" in counter.tags
    assert {"scenes", "scenes 1", "scenes 5"} <= set(counter.runs)


async def collected(results: AsyncIterator[Any]) -> list[Any]:
    return [each async for each in results]


def together(job: Job[Any], way: str, sources: list[Any], **options: Any) -> list[Any]:
    if way == "batch":
        return job.batch(sources, **options)
    if way == "abatch":
        return asyncio.run(job.abatch(sources, **options))
    if way == "batch_as_completed":
        return [each for _, each in sorted(job.batch_as_completed(sources, **options), key=itemgetter(0))]
    return [
        each
        for _, each in sorted(asyncio.run(collected(job.abatch_as_completed(sources, **options))), key=itemgetter(0))
    ]


TOGETHER = ("batch", "abatch", "batch_as_completed", "abatch_as_completed")


@pytest.mark.parametrize("way", TOGETHER)
def test_a_batch_shares_the_calls_in_flight(
    film: Path, make_clip: Callable[..., Path], tmp_path: Path, way: str
) -> None:
    other = make_clip(tmp_path / "other.mp4", 4.0, width=64, height=48, fps=5)
    counter = Counter()
    config = {"max_concurrency": 2, "callbacks": [counter]}
    with LocalGateway(pace=0.02) as gateway:
        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path / "kept")
        result = together(job, way, [film, other], config=config)
        assert result == [job.invoke(film), job.invoke(other)]
    assert (counter.calls, counter.most) == (7, 2)


@pytest.mark.parametrize("way", COLLECTED)
def test_the_order_of_answers_changes_nothing(gateway: LocalGateway, film: Path, tmp_path: Path, way: str) -> None:
    one = run(Job(model(gateway), SCENES, window=2, overlap=0.5, folder=tmp_path / "1"), way, film, max_concurrency=1)
    many = run(Job(model(gateway), SCENES, window=2, overlap=0.5, folder=tmp_path / "5"), way, film, max_concurrency=5)
    assert one == many
    assert [scene.start for scene in one.scenes] == sorted(scene.start for scene in one.scenes)


@pytest.mark.parametrize("way", COLLECTED)
def test_progress(gateway: LocalGateway, film: Path, tmp_path: Path, way: str) -> None:
    steps: list[Progress] = []
    job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path, progress=steps.append)
    run(job, way, film)
    assert steps == [Progress("scenes", done, 5) for done in range(6)]
    steps.clear()
    run(job, way, film)
    assert steps == [Progress("scenes", 5, 5)]


def test_a_bar(gateway: LocalGateway, film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path, progress=True).invoke(film)
    shown = capsys.readouterr().err
    assert shown.startswith("\rscenes:   0%|")
    assert "| 2/2 [" in shown


@pytest.mark.parametrize("way", TOGETHER)
def test_one_bar_over_a_batch(
    gateway: LocalGateway, film: Path, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str
) -> None:
    job = Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path / "kept", progress=True)
    together(job, way, [film, clip, tmp_path / "no.mp4"], return_exceptions=True)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1  # each bar ends its line
    assert set(re.findall(r"\| ([\d./]+) \[", shown)) <= {"0.0/3", "0.5/3", "1.0/3", "1.5/3", "2.0/3", "3.0/3"}
    assert "| 3.0/3 [" in shown
    assert "window" not in shown
    together(job, way, [])
    assert capsys.readouterr().err == ""


TOKENS = {"input_tokens": 12, "output_tokens": 6, "total_tokens": 18}


@pytest.mark.parametrize("way", TOGETHER)
def test_a_result_says_what_it_has_used(
    gateway: LocalGateway, film: Path, clip: Path, tmp_path: Path, way: str
) -> None:
    moment = {"start": 0, "end": 1, "title": "A", "reason": "B", "score": 1}
    answer = scripts.sse(scripts.answer(json.dumps({"highlights": [moment]})))
    # The first answer can't be read, and is asked for once more: four calls for three windows.
    gateway.play(scripts.sse(scripts.answer("I see.")), *[answer] * 3)
    job = Job(model(gateway), jobs.highlights(), window=5, overlap=0, folder=tmp_path)
    first, other = together(job, way, [film, clip])
    used = {name: first.usage[name] + other.usage[name] for name in TOKENS}
    assert used == {name: 4 * count for name, count in TOKENS.items()}
    assert "usage" not in first.model_dump()
    assert "usage" not in first.model_json_schema()["properties"]
    assert type(first).model_validate_json(first.model_dump_json()) == first
    assert pickle.loads(pickle.dumps(first)).usage == first.usage
    again = together(job, way, [film, clip])
    assert [each.usage for each in again] == [None, None]
    assert again == [first, other]  # what it has used is no part of what it says


class Priced(Film):
    usage: str = "mine"


def test_a_result_of_any_kind_says_what_it_has_used(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    result: Any = Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path).invoke(film)
    assert result.usage["total_tokens"] > 0
    assert result == Film.model_validate(result.model_dump())
    priced: Task[Any, Priced] = Task("priced", "Name the scenes.", SCENES.schema, lambda parts: Priced(scenes=[]))
    assert Job(model(gateway), priced, window=5, overlap=0, folder=tmp_path).invoke(film).usage == "mine"


def test_cancelling_closes_the_connections(film: Path, tmp_path: Path) -> None:
    with LocalGateway(pace=30) as gateway:
        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)

        async def main() -> None:
            call = asyncio.create_task(job.ainvoke(film, {"max_concurrency": 2}))
            await asyncio.to_thread(until, lambda: len(gateway.requests) == 2)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call

        asyncio.run(main())
        assert all(request.disconnected.wait(10) for request in gateway.requests)
        assert len(gateway.requests) == 2


def test_few_windows_are_encoded_ahead(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = encoded_windows(monkeypatch)
    ahead: list[int] = []
    with LocalGateway(pace=0.02) as gateway:
        job = Job(
            model(gateway),
            SCENES,
            window=2,
            overlap=0,
            folder=tmp_path,
            progress=lambda step: ahead.append(len(encoded) - step.done),
        )
        job.invoke(film, {"max_concurrency": 1})
    assert max(ahead) <= 2  # one in flight, one that waits
    assert encoded == [0, 1, 2, 3, 4]


# --- what fails -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("It is a film about the sea.", "Invalid json output: It is a film about the sea."),
        ('{"scenes": [{"start": 1, "end": 2, "what": null}]}', "scenes.0.what"),
        ('{"titles": []}', "Field required"),
    ],
    ids=["words", "no text", "another object"],
)
def test_an_answer_that_can_t_be_read_is_asked_for_once_more(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str, bad: str, message: str
) -> None:
    gateway.play(scripts.sse(scripts.answer(bad)), says((1, 2, "a")))
    assert run(Job(model(gateway), SCENES, folder=tmp_path), way, film).scenes == [Scene(start=1, end=2, what="a")]
    question, again = (body_of(request)["input"] for request in gateway.requests)
    assert again[: len(question)] == question
    assert again[-2] == {"role": "assistant", "content": bad}
    assert message in again[-1]["content"]
    assert again[-1]["content"].endswith("Answer again, with nothing but the JSON object.")


@pytest.mark.parametrize("way", COLLECTED)
def test_an_answer_that_can_t_be_read_twice_keeps_the_others(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str
) -> None:
    bad = scripts.sse(scripts.answer("No."))
    gateway.play(says((0, 1, "a")), bad, bad)
    job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
    with pytest.raises(
        errors.UnreadableAnswerError, match=r"does not fit Scenes, nor does a second one: .*No"
    ) as caught:
        run(job, way, film, max_concurrency=1)
    assert partial_of(caught.value).text == "No."
    first, second = caught.value.__notes__
    assert first == "scenes: window 2 of 5 (2.0 to 4.0 s) of film.mp4"
    assert second.startswith(f"4 of 5 windows are answered and kept in {tmp_path}")
    assert second.endswith('on_error="skip" gives the result without them')
    assert [window.index for window in job.missing(film)] == [1]
    run(job, way, film, max_concurrency=1)
    assert topics_of(gateway) == ["1", "2", "2", "3", "4", "5", "2"]


# What the second window and those after it are answered → the error, what was asked about, and what is missing then.
FAILED: dict[str, tuple[list[Script], type[errors.DMXOmniError], str, list[int]]] = {
    "refused": ([scripts.error(400, "inappropriate content")], errors.BadRequestError, "12345", [1]),
    "two refused": ([scripts.error(400, "no")] * 2, errors.BadRequestError, "12345", [1, 2]),
    "busy for a moment": ([scripts.error(429, "busy")], errors.RateLimitError, "12345", [1]),
    "a wrong key": ([scripts.error(401, "no such key")], errors.AuthenticationError, "12", [1, 2, 3, 4]),
    "no quota": ([scripts.error(403, "x", code="insufficient_quota")], errors.QuotaExceededError, "12", [1, 2, 3, 4]),
    "broken for longer": ([scripts.error(500, "oh")] * 4, errors.ServerError, "1234", [1, 2, 3, 4]),
}


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("answers", "kind", "asked_about", "missing"), FAILED.values(), ids=FAILED)
def test_what_can_still_be_answered_is_answered_before_the_error_is_raised(
    gateway: LocalGateway,
    film: Path,
    tmp_path: Path,
    way: str,
    answers: list[Script],
    kind: type[errors.DMXOmniError],
    asked_about: str,
    missing: list[int],
) -> None:
    gateway.play(says((0, 1, "a")), *answers)
    job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
    with pytest.raises(kind) as caught:
        run(job, way, film, max_concurrency=1)
    assert caught.value.__notes__[0] == "scenes: window 2 of 5 (2.0 to 4.0 s) of film.mp4"
    assert topics_of(gateway) == [*asked_about]
    assert [window.index for window in job.missing(film)] == missing
    gateway.reset()
    run(job, way, film)
    assert sorted(topics_of(gateway)) == [str(index + 1) for index in missing]


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize("name", FAILED)
def test_what_has_no_answer_may_be_left_out(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str, name: str
) -> None:
    answers, kind, asked_about, missing = FAILED[name]
    gateway.play(says((0, 1, "a")), *answers)
    job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path, on_error="skip")
    if asked_about != "12345":
        with pytest.raises(kind):  # no window is spared
            run(job, way, film, max_concurrency=1)
        return
    result = run(job, way, film, max_concurrency=1)
    assert [(each.window.index, type(each.error)) for each in result.missing] == [(index, kind) for index in missing]
    assert not [scene for scene in result.scenes for index in missing if 2 * index <= scene.start < 2 * index + 2]
    assert {int(scene.start / 2) for scene in result.scenes} == {0, 1, 2, 3, 4} - {*missing}
    assert pickle.loads(pickle.dumps(result)).missing[0].window == result.missing[0].window
    gateway.reset()
    assert run(job, way, film).missing == []
    assert sorted(topics_of(gateway)) == [str(index + 1) for index in missing]


BUILT_IN: dict[str, tuple[Any, dict[str, Any]]] = {
    "captions": (jobs.captions(), {"title": "", "seen": "", "entities": [], "written": [], "said": []}),
    "chapters": (jobs.chapters(closing=False), {"title": "t", "summary": "s", "chapters": []}),
    "minutes": (jobs.minutes(closing=False), {"summary": "s", "speakers": [], "decisions": [], "actions": []}),
    "moderation": (jobs.moderation(), {"findings": []}),
    "highlights": (jobs.highlights(), {"highlights": []}),
    "ask": (jobs.ask("Who speaks?", closing=False), {"relevant": True, "answer": "a", "evidence": []}),
    "subtitles": (jobs.subtitles(allow_silent=True), {"lines": []}),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_results_say_what_is_missing(gateway: LocalGateway, film: Path, tmp_path: Path, name: str) -> None:
    task, answer = BUILT_IN[name]
    whole = scripts.sse(scripts.answer(json.dumps(answer)))
    gateway.play(whole, scripts.error(400, "inappropriate content"))
    job = Job(model(gateway), task, window=5, overlap=0, folder=tmp_path, on_error="skip")
    result = job.invoke(film, {"max_concurrency": 1})
    assert [each.window for each in result.missing] == [jobs.Window(1, 5.0, 10.0)]
    written = json.loads(result.model_dump_json())
    assert written["missing"][0]["window"] == {"index": 1, "start": 5.0, "end": 10.0}
    assert written["missing"][0]["error"].startswith("BadRequestError: the service answered 400: inappropriate content")
    again = type(result).model_validate(written)
    assert "inappropriate content" in str(again.missing[0].error)
    assert "missing" not in type(result).model_json_schema()["properties"]
    if name == "moderation":
        assert result.verdict == "review"


@pytest.mark.parametrize("way", COLLECTED)
def test_captions_of_a_window_that_was_refused_are_asked_for_again(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str
) -> None:
    gateway.play(scripts.error(400, "inappropriate content"))
    job = Job(model(gateway), jobs.captions(), window=5, overlap=0, by="time", folder=tmp_path, on_error="skip")
    result = run(job, way, film, max_concurrency=1)
    assert [(caption.start, caption.end) for caption in result.windows] == [(5, 10)]
    assert result.windows[0].seen.startswith("I received a video: MP4, 5.0 s")  # the gateway tells what it got
    assert [each.window.index for each in result.missing] == [0]
    assert [window.index for window in job.missing(film)] == [0]
    gateway.reset()
    result = run(job, way, film)
    assert [(caption.start, caption.end) for caption in result.windows] == [(0, 5), (5, 10)]
    assert result.missing == job.missing(film) == []
    assert topics_of(gateway) == ["1"]
    for caption in result.windows:
        for span in (*caption.said, *caption.written):
            assert caption.start <= span.start < span.end <= caption.end
    assert {line.speaker for line in result.lines} == {"Speaker 1"}


def test_windows_of_captions_are_copied_and_short(
    gateway: LocalGateway, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    long = make_clip(tmp_path / "long.mp4", 80.0, width=64, height=48, fps=25)
    job = Job(model(gateway), jobs.captions(), window=jobs.CAPTION_WINDOW, folder=tmp_path)
    windows = job.missing(long)
    copied = video.copied_windows(long, window=jobs.CAPTION_WINDOW, overlap=2)
    assert [(window.start, window.end) for window in windows] == copied
    assert all(15 <= window.end - window.start <= 30 for window in windows[:-1])


def test_nothing_at_all_is_answered(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    gateway.play(scripts.error(400, "inappropriate content"))
    job = Job(model(gateway), jobs.moderation(), folder=tmp_path, on_error="skip")
    result = job.invoke(film)
    assert (result.verdict, len(result.missing)) == ("review", 1)
    gateway.play(scripts.error(429, "busy"))
    with pytest.raises(errors.RateLimitError):
        job.invoke(film)


def test_a_field_of_the_same_name_stays(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    class Keys(BaseModel):
        missing: int = 2

    task = Task("keys", "Which keys are missing?", Keys, lambda parts: Keys())
    gateway.play(scripts.error(400, "no"))
    with pytest.warns(errors.DMXOmniWarning, match=r"0.0-10.0 s have no answer"):
        assert Job(model(gateway), task, folder=tmp_path, on_error="skip").invoke(film).missing == 2


@pytest.mark.parametrize("way", COLLECTED)
def test_a_window_that_can_t_be_encoded_keeps_what_is_in_flight(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    split = video.split

    def breaking(*args: Any, **kwargs: Any) -> Iterator[Any]:
        for segment in split(*args, **kwargs):
            if segment.index == 2:
                raise errors.ContentBlockError("film.mp4: it is damaged")
            yield segment

    with LocalGateway(pace=0.01) as gateway:
        job = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path)
        monkeypatch.setattr(video, "split", breaking)
        with pytest.raises(errors.ContentBlockError, match="damaged"):
            run(job, way, film)
        assert [window.index for window in job.missing(film)] == [2]
        skipping = Job(model(gateway), SCENES, window=2, overlap=0, folder=tmp_path, on_error="skip")
        assert [each.window.index for each in run(skipping, way, film).missing] == [2]


@pytest.mark.filterwarnings("ignore:the answer is cut off")
def test_an_answer_that_is_cut_off_is_not_taken_for_whole(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    whole = json.dumps({"scenes": [{"start": 0, "end": 1, "what": "a"}, {"start": 1, "end": 2, "what": "b"}]})
    gateway.play(scripts.sse(scripts.answer(whole[:-30], finish="max_output_tokens")))
    with pytest.raises(errors.UnreadableAnswerError, match="take shorter windows"):
        Job(model(gateway), SCENES, folder=tmp_path).invoke(film)
    assert len(gateway.requests) == 1


UNCUTTABLE: dict[str, tuple[dict[str, Any], str]] = {
    "no length": ({"window": 0}, "window"),
    "no number": ({"window": float("nan")}, "window"),
    "an overlap as long as the window": ({"window": 2, "overlap": 2}, "overlap"),
    "an unknown place": ({"by": "chapters"}, "by"),
    "an unknown way to fail": ({"on_error": "ignore"}, "'raise' or 'skip'"),
}


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("options", "message"), UNCUTTABLE.values(), ids=UNCUTTABLE)
def test_windows_that_can_t_be(
    gateway: LocalGateway, film: Path, tmp_path: Path, way: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(errors.ConfigurationError, match=message):
        run(Job(model(gateway), SCENES, folder=tmp_path, **options), way, film)
    assert gateway.requests == []


@pytest.mark.parametrize("way", COLLECTED)
def test_what_is_no_recording(gateway: LocalGateway, tmp_path: Path, way: str) -> None:
    (tmp_path / "words.mp4").write_text("no video")
    for name in ("nowhere.mp4", "words.mp4"):
        with pytest.raises(errors.ContentBlockError, match=name):
            run(Job(model(gateway), SCENES, folder=tmp_path), way, tmp_path / name)


NO_PATHS: dict[str, tuple[Any, str]] = {
    "a page": ("https://example.com/a.mp4?token=secret", r"\(https:\): download it .* media\.video\(url\)"),
    "a bucket": ("s3://bucket/a.mp4", r"\(s3:\): download it"),
    "a file's URL": ("file:///tmp/a.mp4", r"\(file:\): give the path itself"),
    "the bytes": ("data:video/mp4;base64,AAAA", r"\(data:\): download it"),
    "a block": ({"type": "video"}, "the path of a file, not dict"),
    "nothing": (None, "the path of a file, not NoneType"),
}


@pytest.mark.parametrize("way", COLLECTED)
@pytest.mark.parametrize(("path", "message"), NO_PATHS.values(), ids=NO_PATHS)
def test_what_is_no_path(gateway: LocalGateway, tmp_path: Path, way: str, path: Any, message: str) -> None:
    with pytest.raises(errors.ConfigurationError, match=message) as caught:
        run(Job(model(gateway), SCENES, folder=tmp_path), way, path)
    assert "secret" not in str(caught.value)


def test_a_colon_makes_no_url(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    named = tmp_path / "call-10:30.mp4"
    named.symlink_to(film)
    assert Job(model(gateway), SCENES, folder=tmp_path).missing(f"{named}") == [jobs.Window(0, 0.0, 10.0)]


# --- times ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
def test_a_time_that_can_t_be_read_keeps_its_line(gateway: LocalGateway, film: Path, tmp_path: Path, way: str) -> None:
    lines: list[dict[str, Any]] = [
        {"start": 0, "end": "1秒", "text": "a"},
        {"start": None, "end": None, "text": "b"},
        {"start": "[00:02]", "end": "0m2.5s", "text": "c"},
        {"text": "d"},
        {"start": "00:00:03,500 --> 00:00:04,500", "text": None},
    ]
    gateway.play(scripts.sse(scripts.answer(json.dumps({"lines": lines}))))
    result = run(Job(model(gateway), jobs.subtitles(allow_silent=True), folder=tmp_path), way, film)
    assert [(line.start, line.end, line.text) for line in result.lines] == [
        (0, 1, "a"),
        (1, 2, "b"),
        (2, 2.5, "c"),
        (2.5, 3.5, "d"),
        (3.5, 4.5, ""),
    ]
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("way", COLLECTED)
def test_times_counted_from_the_recording_s_start(gateway: LocalGateway, film: Path, tmp_path: Path, way: str) -> None:
    gateway.play(says((0, 1, "a")), says((5.5, 6, "b"), (9, 9.5, "c")))
    result = run(Job(model(gateway), SCENES, window=5, overlap=0, folder=tmp_path), way, film, max_concurrency=1)
    assert [(scene.start, scene.end) for scene in result.scenes] == [(0, 1), (5.5, 6), (9, 9.5)]


# --- sound ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", COLLECTED)
def test_what_has_no_sound_is_not_sent_for_subtitles(
    gateway: LocalGateway, silent_film: Path, tmp_path: Path, way: str
) -> None:
    with pytest.raises(errors.ContentBlockError, match=r"no sound in it.*subtitles\(allow_silent=True\)"):
        run(Job(model(gateway), jobs.subtitles(), folder=tmp_path), way, silent_film)
    assert gateway.requests == []
    gateway.play(scripts.sse(scripts.answer('{"lines": []}')))
    assert run(Job(model(gateway), jobs.subtitles(allow_silent=True), folder=tmp_path), way, silent_film).lines == []


# --- the package ------------------------------------------------------------------------------------------------------


def test_all_names_are_there() -> None:
    assert jobs.__all__ == sorted(jobs.__all__, key=lambda name: (not name.isupper(), name))  # constants first
    assert [name for name in jobs.__all__ if not hasattr(jobs, name)] == []


def test_only_public_names_of_other_rooms_are_imported() -> None:
    names = {
        f"{node.module}.{alias.name}"
        for file in Path(jobs.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level == 0
        for alias in node.names
        if (node.module or "").startswith("langchain_dmx_omni")
    }
    assert "langchain_dmx_omni.video" in names
    ground = tuple(f"langchain_dmx_omni.{each}." for each in ("_warnings", "_disk", "_extras"))  # all stand on it
    assert [name for name in names if "._" in name and not name.startswith(ground)] == []


@pytest.mark.parametrize("name", [*BUILT_IN, "scenes"])
def test_a_job_goes_to_another_process(gateway: LocalGateway, film: Path, tmp_path: Path, name: str) -> None:
    task = SCENES if name == "scenes" else BUILT_IN[name][0]
    job = Job(model(gateway), task, folder=tmp_path)
    result = job.invoke(film)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        there = pool.apply(job.invoke, (film,))
    assert there == result
    assert len(gateway.requests) == 1


def test_it_goes_into_a_chain(gateway: LocalGateway, film: Path, tmp_path: Path) -> None:
    gateway.play(says((1, 2, "a")))
    chain = Job(model(gateway), SCENES, folder=tmp_path) | (lambda result: result.scenes[0].what)
    assert chain.invoke(film) == "a"
