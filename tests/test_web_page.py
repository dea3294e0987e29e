"""The page of `dmx-omni web` in a real browser: Debian's Chromium, through playwright.

`DMX_OMNI_SCREENSHOTS=docs` writes the pictures of the documentation anew.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from langchain_dmx_omni import ChatDMXOmni, Speech
from langchain_dmx_omni.testing import Answer, LocalGateway, Request, scripts
from langchain_dmx_omni.web import WebPage

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


def picture(page: Page, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"web-{name}.png")


def test_an_answer_about_a_video(opened: Any, boats: Path, service: LocalGateway) -> None:
    page = opened()
    assert page.url.endswith("/")  # the token has left the address bar
    turn = ask(page, "What happens here?", boats, voice="Tina")
    assert turn.locator(".answer").text_content() == ANSWER
    assert turn.locator(".answer a").all_text_contents() == ["0:01", "8.0 s"]
    turn.get_by_role("link", name="Go to 8.0 s").click()
    page.wait_for_function("document.querySelector('video').currentTime >= 8")
    spoken = Speech.from_message(ChatDMXOmni(**key_of(service), voice="Tina").invoke("What happens here?"))
    assert heard(turn) == pytest.approx(spoken.duration, abs=0.05)
    page.evaluate("document.querySelector('video').pause()")
    picture(page, "desktop")


@pytest.fixture(scope="session")
def boats(make_clip: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds."""
    return Path(make_clip(tmp_path_factory.mktemp("boats") / "boats.mp4", 12.0, width=640, height=360, fps=10))
