"""The page of `dmx-omni web` in a real browser: Debian's Chromium, through playwright.

`DMX_OMNI_SCREENSHOTS=docs` writes the pictures of the documentation anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_dmx_omni import ChatDMXOmni, Speech
from langchain_dmx_omni.testing import Answer, LocalGateway, Request, scripts
from langchain_dmx_omni.web import WebPage

from .calls import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")
SCREENSHOTS = os.environ.get("DMX_OMNI_SCREENSHOTS")
DESKTOP, PHONE = {"width": 1200, "height": 760}, {"width": 390, "height": 844}

ANSWER = "A boat leaves at 0:01 and is back after 8.0 s. At 1:02:03 there is nothing."
CHINESE = "一艘船在 0:01 离开，8 秒时回来。"


def answer(request: Request) -> str | Answer:
    """What a film is about; in parts, where a schema is asked for."""
    if "JSON" in str(request.body):
        return (
            '{"relevant": true, "answer": "A boat leaves and comes back.",'
            ' "evidence": [{"start": 4.0, "end": 5.0, "what": "The boat comes back"}]}'
        )
    return CHINESE if "视频" in str(request.body) else ANSWER


@pytest.fixture(scope="session")
def boats(make_clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds."""
    return Path(make_clip(tmp_path_factory.mktemp("boats") / "boats.mp4", 12.0, width=640, height=360, fps=10))


@pytest.fixture(scope="module")
def service() -> Iterator[LocalGateway]:
    with LocalGateway(answer=answer, speak="tones") as service:
        yield service


@pytest.fixture
def served(service: LocalGateway) -> Iterator[WebPage]:
    service.reset()
    with WebPage(ChatDMXOmni(**key_of(service), max_retries=0)) as page:
        yield page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def opened(browser: Browser, served: WebPage) -> Iterator[Any]:
    """Opens the page; what its console says is an error, and so is a request to anywhere else."""
    complaints: list[str] = []
    contexts = []

    def opened(size: dict[str, int] = DESKTOP, locale: str = "en-US", **options: Any) -> Page:
        context = browser.new_context(viewport=size, locale=locale, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        origin = served.url.partition("?")[0]
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request",
            lambda request: None if request.url.startswith((origin, "blob:")) else complaints.append(request.url),
        )
        page.goto(served.url)
        page.wait_for_selector("html[data-ready]")
        return page

    opened.complaints = complaints  # type: ignore[attr-defined]
    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def ask(page: Page, question: str, *files: Path, voice: str | None = None) -> Any:
    """Ask, and return the turn once its answer is whole."""
    for number, file in enumerate(files, 1):
        page.set_input_files("#file", file)
        page.wait_for_selector(f"#files li:nth-child({number}) button")
    if voice:
        page.select_option("#voice", voice)
    page.fill("#question", question)
    page.keyboard.press("Enter")
    page.wait_for_selector(".turn:last-child[data-done]")
    return page.locator(".turn").last


def heard(turn: Any) -> float:
    """Return the length of an answer's speech, as the browser's player has it."""
    return float(
        turn.locator("audio").evaluate(
            "async (audio) => {"
            " while (!(audio.duration > 0)) await new Promise(requestAnimationFrame); return audio.duration }"
        )
    )


def key_of(service: LocalGateway) -> dict[str, Any]:
    return {"base_url": service.base_url, "api_key": service.api_key}


def sent(service: LocalGateway) -> Any:
    """Return the input of the last request."""
    body = service.requests[-1].body
    assert body is not None
    return body["input"]


def picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        until(lambda: page.evaluate("document.querySelector('video').readyState === 4"))
        page.wait_for_timeout(500)  # until the player's own signs have faded
        page.screenshot(path=Path(SCREENSHOTS) / f"web-{name}.png")


def test_an_answer_about_a_video(opened: Any, boats: Path, service: LocalGateway) -> None:
    page = opened()
    assert page.url.endswith("/")  # the token has left the address bar
    turn = ask(page, "What happens here?", boats, voice="Tina")
    assert turn.locator(".answer").text_content() == ANSWER
    assert turn.locator(".answer a").all_text_contents() == ["0:01", "8.0 s"]
    turn.get_by_role("link", name="Go to 8.0 s").click()
    until(lambda: page.evaluate("document.querySelector('video').currentTime >= 8"))
    spoken = Speech.from_message(ChatDMXOmni(**key_of(service), voice="Tina").invoke("What happens here?"))
    assert heard(turn) == pytest.approx(spoken.duration, abs=0.05)
    page.evaluate("document.querySelector('video').pause()")
    picture(page, "desktop")


def test_a_long_video_part_by_part(opened: Any, boats: Path, tmp_path: Path) -> None:
    padding = 9_000_000  # a `free` box is what MP4 has for padding: over the inline limit
    long = tmp_path / "long.mp4"
    long.write_bytes(boats.read_bytes() + (padding + 8).to_bytes(4, "big") + b"free" + bytes(padding))
    page = opened()
    turn = ask(page, "Where is the boat?", long)
    assert page.locator("#files .facts").text_content() == "9.1 MB · 0:12 · long: part by part"
    assert turn.locator(".progress").text_content() == "1 of 1 parts watched"
    assert turn.locator(".answer").text_content() == "A boat leaves and comes back."
    assert turn.locator(".moments").text_content() == "0:04 The boat comes back"
    turn.get_by_role("link", name="Go to 0:04").click()
    until(lambda: page.evaluate("document.querySelector('video').currentTime >= 4"))


def test_an_error_as_a_person_wants_to_read_it(
    opened: Any, served: WebPage, service: LocalGateway, boats: Path
) -> None:
    page = opened()
    service.play(scripts.error(401, "Invalid token"))
    turn = ask(page, "What happens here?", boats)
    assert turn.locator(".error strong").text_content() == (
        "The key is not accepted. Check DMXAPI_API_KEY, or run: dmx-omni doctor"
    )
    assert "Traceback" not in turn.text_content()
    assert page.input_value("#question") == "What happens here?"  # to be asked again
    picture(page, "error")
    assert ask(page, "What happens here?").locator(".answer").text_content() == ANSWER
    assert "Invalid token" not in str(service.requests[-1].body)


def test_a_file_that_cannot_be_asked_about(opened: Any, tmp_path: Path) -> None:
    page = opened()
    notes = tmp_path / "notes.txt"
    notes.write_text("Only words.")
    page.set_input_files("#file", notes)
    page.wait_for_selector(".error")
    assert page.locator(".error").text_content() == (
        "This file can't be used.notes.txt: it is text/plain; choose a picture, a sound or a video"
    )
    assert page.locator("#files li").count() == 0
    opened.complaints.clear()  # the browser notes each response that is an error


def test_chinese(opened: Any, boats: Path) -> None:
    page = opened(locale="zh-CN")
    turn = ask(page, "视频里发生了什么？", boats, voice="Tina")
    assert turn.locator(".answer").text_content() == CHINESE
    assert turn.locator(".answer a").all_text_contents() == ["0:01", "8 秒"]
    assert page.locator("#ask").text_content() == "提问"
    assert page.locator("html").get_attribute("lang") == "zh-CN"
    picture(page, "chinese")
    page.click("#language")
    assert page.locator("#ask").text_content() == "Ask"
    page.reload()
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#ask").text_content() == "Ask"


def test_on_a_phone(opened: Any, boats: Path) -> None:
    page = opened(PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
    turn = ask(page, "What happens here?", boats, voice="Tina")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    for name in ("#ask", "#record", "#voice"):
        box = page.locator(name).bounding_box()
        assert box is not None
        assert 0 <= box["x"] < box["x"] + box["width"] <= PHONE["width"], name
        assert box["height"] >= 40, name
    assert turn.locator(".answer a").count() == 2
    picture(page, "phone")


def test_a_question_by_microphone(opened: Any, service: LocalGateway) -> None:
    page = opened(permissions=["microphone"])
    page.get_by_role("button", name="Record").click()
    until(lambda: page.evaluate("document.getElementById('record').textContent.includes('0:01')"))
    page.get_by_role("button", name="Stop recording").click()
    page.wait_for_selector("#files li button")
    turn = ask(page, "")
    assert turn.locator(".mine").text_content() == "(recorded question)"
    assert [part["type"] for part in sent(service)[-1]["content"]] == ["input_audio"]
    until(lambda: page.evaluate("document.querySelectorAll('#files li').length === 0"))  # it was said once


def test_without_a_microphone(opened: Any) -> None:
    page = opened()
    page.evaluate("() => { navigator.mediaDevices.getUserMedia = async () => { throw new Error('denied') } }")
    page.get_by_role("button", name="Record").click()
    assert (page.locator(".error").text_content() or "").startswith("The microphone can't be used")


def test_a_file_is_dropped_and_removed(opened: Any) -> None:
    page = opened()
    page.evaluate(
        """async () => {
            const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
            const image = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
            const dropped = new DataTransfer();
            dropped.items.add(new File([image], "<b>drawing.png"));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, cancelable: true }));
        }"""
    )
    page.wait_for_selector("#player img")
    assert page.locator("#files .name").text_content() == "_b_drawing.png"
    page.get_by_role("button", name="Remove _b_drawing.png").click()
    assert page.locator("#player img").count() == 0


def test_an_answer_is_stopped_and_the_service_hears_of_it(opened: Any, service: LocalGateway) -> None:
    page = opened()
    script = scripts.sse(scripts.answer("A boat leaves"))
    whole = script.payload
    service.play(replace(script, body=[whole[: whole.index(b"output_text.done")], 60.0]))
    page.fill("#question", "What happens?")
    page.press("#question", "Enter")
    until(lambda: page.evaluate("document.querySelector('.answer')?.textContent.includes('boat')"))
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_selector(".turn[data-done]")
    assert page.locator(".turn .note").text_content() == "Stopped."
    assert service.requests[-1].disconnected.wait(10)


def test_a_conversation_goes_on(opened: Any, service: LocalGateway) -> None:
    page = opened()
    ask(page, "What happens?")
    ask(page, "And then?")
    said = [each["content"] for each in sent(service)]
    assert [each if isinstance(each, str) else each[0]["text"] for each in said] == [
        "What happens?",
        ANSWER,
        "And then?",
    ]


def test_with_the_keyboard_alone(opened: Any) -> None:
    page = opened()
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"language", "file", "question", "record", "voice", "ask"} <= reached


def test_what_a_model_says_is_text(opened: Any, service: LocalGateway) -> None:
    page = opened()
    service.play(scripts.sse(scripts.answer("<img src=x onerror=alert(1)> <b>bold</b>")))
    assert ask(page, "What?").locator(".answer").inner_text() == "<img src=x onerror=alert(1)> <b>bold</b>"


TIMES = {
    "14 s, at 0:05": ["14 s", "0:05"],
    "1:02:03": ["1:02:03"],
    "14.0 s–15.5s": ["14.0 s", "15.5s"],
    "at 12:34:56:78": [],
    "a ratio of 16:9": [],
    "2 分 05 秒，然后 30秒": ["2 分 05 秒", "30秒"],
    "5 seconds, 5 songs": ["5 seconds"],
    "2:00:00": [],
}


def test_times(opened: Any) -> None:
    page = opened()
    code = """async (texts) => {
        const { withTimes } = await import("/times.js");
        return texts.map((text) => withTimes(text, 7000).filter((part) => "seconds" in part).map((part) => part.text));
    }"""
    assert page.evaluate(code, list(TIMES)) == list(TIMES.values())
