"""The page's server over real HTTP: who is let in, files, answers, what goes wrong, how it ends."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from langchain_dmx_omni import ChatDMXOmni, Speech, media
from langchain_dmx_omni.errors import ConfigurationError
from langchain_dmx_omni.testing import LocalGateway, Script, scripts
from langchain_dmx_omni.web import WebPage

from .calls import until
from .cli_calls import Shell, environment, in_terminal

Scratch = Callable[[], list[Path]]

PADDING = (9_000_008).to_bytes(4, "big") + b"free" + bytes(9_000_000)
"""What MP4 has for padding: with it, a clip is over the inline limit."""


WAV = Speech(bytes(96_000)).wav
"""Two seconds."""
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


def model(gateway: LocalGateway, **options: Any) -> ChatDMXOmni:
    return ChatDMXOmni(base_url=gateway.base_url, api_key=gateway.api_key, **{"max_retries": 0, **options})


@pytest.fixture
def scratch(tmp_path: Path) -> Callable[[], list[Path]]:
    """What lies in the scratch folder of this test's page."""
    return lambda: [each for each in (tmp_path / "tmp").rglob("*") if each.is_file() and each.suffix != ".lock"]


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("DMX_OMNI_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def page(gateway: LocalGateway) -> Iterator[WebPage]:
    with WebPage(model(gateway), most_bytes=12_000_000) as page:
        yield page


@pytest.fixture
def browser(page: WebPage) -> Iterator[httpx.Client]:
    """A browser that has opened the page."""
    with httpx.Client(base_url=origin(page), trust_env=False, timeout=30) as browser:
        assert browser.get(page.url, follow_redirects=True).status_code == 200
        yield browser


def origin(page: WebPage) -> str:
    return page.url.partition("/?")[0]


def port(page: WebPage) -> int:
    return httpx.URL(page.url).port or 0


def upload(browser: httpx.Client, data: bytes, name: str = "clip.mp4") -> Any:
    response = browser.post("/uploads", params={"name": name}, content=data)
    assert response.status_code == 201, response.text
    return response.json()


def ask(browser: httpx.Client, question: str = "What?", *files: Any, **more: Any) -> list[dict[str, Any]]:
    body = {"question": question, "files": [each["id"] for each in files], **more}
    response = browser.post("/ask", json=body)
    assert response.headers["content-type"] == "application/x-ndjson", response.text
    return [json.loads(line) for line in response.text.splitlines()]


def text(events: list[dict[str, Any]]) -> str:
    return "".join(event["text"] for event in events if event["type"] == "text")


# --- Who is let in ----------------------------------------------------------------------------------------------------

PATHS = [("GET", "/"), ("GET", "/page.js"), ("GET", "/settings"), ("POST", "/uploads"), ("POST", "/ask")]


@pytest.mark.parametrize(("method", "path"), [*PATHS, ("GET", "/nowhere"), ("GET", "/?token=wrong")])
def test_without_the_token(method: str, path: str, page: WebPage) -> None:
    response = httpx.request(method, origin(page) + path, trust_env=False)
    assert (response.status_code, response.text) == (
        403,
        "The address is not whole: open the one that dmx-omni web printed, with its token.\n",
    )


def test_the_token_becomes_a_cookie_and_leaves_the_address(page: WebPage) -> None:
    response = httpx.get(page.url, trust_env=False)
    assert (response.status_code, response.headers["location"]) == (303, "/")
    token = page.url.partition("token=")[2]
    assert response.headers["set-cookie"] == f"dmx_omni_{port(page)}={token}; Path=/; HttpOnly; SameSite=Lax"
    assert len(token) >= 40


def test_the_token_as_a_header(page: WebPage) -> None:
    token = page.url.partition("token=")[2]
    assert httpx.get(f"{origin(page)}/settings", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    wrong = {b"Authorization": f"Bearer {token}é".encode()}
    assert httpx.get(f"{origin(page)}/settings", headers=wrong).status_code == 403


HOSTS = {
    "127.0.0.1:{port}": 200,
    "localhost:{port}": 200,
    "LOCALHOST:{port}": 200,
    "[::1]:{port}": 200,
    "evil.example:{port}": 421,
    "evil.example": 421,
    "127.0.0.1": 421,
    "127.0.0.1.evil.example:{port}": 421,
    "0.0.0.0:{port}": 421,
    "": 421,
}


@pytest.mark.parametrize(("host", "status"), HOSTS.items())
def test_the_name_by_which_it_is_called(host: str, status: int, page: WebPage, browser: httpx.Client) -> None:
    response = browser.get("/settings", headers={"Host": host.format(port=port(page))})
    assert response.status_code == status


ORIGINS = {
    "http://127.0.0.1:{port}": 200,
    "http://localhost:{port}": 200,
    "http://evil.example": 403,
    "https://127.0.0.1:{port}": 403,
    "http://127.0.0.1:1": 403,
    "null": 403,
}


@pytest.mark.parametrize(("other", "status"), ORIGINS.items())
def test_the_site_that_asks(other: str, status: int, page: WebPage, browser: httpx.Client) -> None:
    response = browser.post("/ask", headers={"Origin": other.format(port=port(page))}, json={"question": "What?"})
    assert response.status_code == status


def test_it_listens_on_loopback_alone(page: WebPage) -> None:
    assert page.url.startswith("http://127.0.0.1:")
    with pytest.raises(ConfigurationError, match=r"can't listen on 127\.0\.0\.1:\d+: .*; take another port, or 0"):
        WebPage(ChatDMXOmni(api_key="sk"), port=port(page)).start()


@pytest.mark.parametrize("path", ["/", "/page.js", "/page.css", "/icon.svg", "/settings"])
def test_nothing_is_loaded_from_elsewhere(path: str, browser: httpx.Client) -> None:
    response = browser.get(path)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert (response.headers["x-content-type-options"], response.headers["cache-control"]) == ("nosniff", "no-store")
    assert "://" not in response.text.replace("http://www.w3.org/2000/svg", "")


def test_there_is_nothing_else(browser: httpx.Client) -> None:
    for path in ("/nowhere", "/../pyproject.toml", "/assets/page.js"):
        assert browser.get(path).status_code == 404, path
    assert browser.head("/").content == b""


# --- Files ------------------------------------------------------------------------------------------------------------


def test_files_and_what_they_are(browser: httpx.Client, clip: Path) -> None:
    uploads = [
        upload(browser, clip.read_bytes(), "a clip.mp4"),
        upload(browser, clip.read_bytes() + PADDING, "big.mp4"),
        upload(browser, WAV, "C:\\talks\\讲话.wav"),
        upload(browser, PNG, "../../etc/<x>.png"),
        upload(browser, PNG, ""),
    ]
    facts = [(each["name"], each["kind"], each["seconds"], each["long"]) for each in uploads]
    assert facts == [
        ("a clip.mp4", "video", 2.0, False),
        ("big.mp4", "video", 2.0, True),
        ("讲话.wav", "audio", 2.0, False),
        ("_x_.png", "image", None, False),
        ("file", "image", None, False),
    ]


REFUSED: dict[str, tuple[bytes, int, str, str]] = {
    "no media": (
        b"Only words.",
        422,
        "ContentBlockError",
        "notes.mp4: it is text/plain; choose a picture, a",
    ),
    "bytes": (
        bytes(range(256)),
        422,
        "ContentBlockError",
        "notes.mp4: it can't be played; choose a picture, a",
    ),
    "empty": (b"", 400, "empty", "notes.mp4 is empty"),
    "too large": (
        bytes(12_000_001),
        413,
        "no_room",
        "the files of the page are over 12,000,000 bytes together",
    ),
}


@pytest.mark.parametrize(("data", "status", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_refused(
    data: bytes, status: int, kind: str, message: str, browser: httpx.Client, scratch: Scratch
) -> None:
    response = browser.post("/uploads?name=notes.mp4", content=data)
    event = response.json()
    assert (response.status_code, event["kinds"][0]) == (status, kind)
    assert event["message"].startswith(message)
    assert scratch() == []


def test_a_file_over_the_bound_that_does_not_say_its_length(browser: httpx.Client, scratch: Scratch) -> None:
    pieces = (bytes(1_000_000) for _ in range(13))
    with suppress(httpx.WriteError):  # the connection is closed while it sends
        assert browser.post("/uploads?name=big.mp4", content=pieces).status_code == 413
    assert scratch() == []


def test_room_is_there_again(browser: httpx.Client, clip: Path, scratch: Scratch) -> None:
    big = clip.read_bytes() + PADDING
    first = upload(browser, big)
    assert browser.post("/uploads?name=second.mp4", content=big).status_code == 413
    assert browser.delete(f"/uploads/{first['id']}").status_code == 204
    assert scratch() == []
    upload(browser, big)
    gone = ask(browser, "What?", first)
    assert [(event["kinds"][0], event["message"]) for event in gone] == [
        ("gone", "the file is no longer there: choose it again")
    ]


def upload_head(page: WebPage, length: int) -> bytes:
    token = page.url.partition("token=")[2]
    head = f"POST /uploads?name=a.mp4 HTTP/1.1\r\nHost: 127.0.0.1:{port(page)}\r\nAuthorization: Bearer {token}\r\n"
    return f"{head}Content-Length: {length}\r\n\r\n".encode()


def test_an_upload_that_is_cut_off_leaves_nothing(page: WebPage, scratch: Scratch) -> None:
    with socket.create_connection(("127.0.0.1", port(page))) as browser:
        browser.sendall(upload_head(page, 8_000_000) + bytes(3_000_000))
        until(lambda: scratch() != [])
    until(lambda: scratch() == [])


def test_the_files_go_with_the_page(gateway: LocalGateway, clip: Path, scratch: Scratch, tmp_path: Path) -> None:
    with (
        WebPage(model(gateway), window=1.0) as page,
        httpx.Client(base_url=origin(page), trust_env=False, timeout=30) as browser,
    ):
        browser.get(page.url)
        file = upload(browser, clip.read_bytes())
        assert ask(browser, "What?", file)[-1] == {"type": "end"}
        assert scratch() != []
    assert scratch() == []
    assert not (tmp_path / "cache").exists()  # nothing in the user's own cache either


# --- Answers ----------------------------------------------------------------------------------------------------------


def test_an_answer_streams(browser: httpx.Client, gateway: LocalGateway, clip: Path) -> None:
    events = ask(browser, "What happens here?", upload(browser, clip.read_bytes()), voice="Tina")
    assert text(events).startswith("This is a simulated answer by the local gateway. You asked: 'What happens here?'")
    assert sum(event["type"] == "text" for event in events) > 10
    pcm = b"".join(base64.b64decode(event["pcm"]) for event in events if event["type"] == "speech")
    spoken = Speech.from_message(model(gateway, voice="Tina").invoke([media.video(clip), "What happens here?"]))
    assert len(pcm) / 48_000 == pytest.approx(spoken.duration, abs=0.05)  # espeak-ng is not exact to the sample
    assert events[-1] == {"type": "end"}


def test_text_comes_before_the_answer_is_whole(browser: httpx.Client, gateway: LocalGateway) -> None:
    gateway.play(endless("A boat leaves"))
    with browser.stream("POST", "/ask", json={"question": "What?"}) as response:
        first = json.loads(next(response.iter_lines()))
    assert first["type"] == "text"
    assert gateway.requests[-1].disconnected.wait(10)  # the page's user has left, and so the service is left too


def endless(words: str) -> Script:
    script = scripts.sse(scripts.answer(words))
    return replace(script, body=[script.payload[: script.payload.index(b"output_text.done")], 60.0])


def test_a_conversation(browser: httpx.Client, gateway: LocalGateway) -> None:
    earlier = [{"by": "user", "text": "Hi"}, {"by": "user", "text": ""}, {"by": "model", "text": "Hello."}]
    ask(browser, "And now?", earlier=earlier)
    body = gateway.requests[-1].body
    assert body is not None
    assert [each["role"] for each in body["input"]] == ["user", "assistant", "user"]


def test_a_long_file_part_by_part(gateway: LocalGateway, film: Path) -> None:
    part = '{"relevant": true, "answer": "A boat.", "evidence": [{"start": 1.0, "end": 2.0, "what": "A boat comes"}]}'
    with (
        LocalGateway(answer=lambda _: part) as service,
        WebPage(model(service), window=4.0) as page,
        httpx.Client(base_url=origin(page), trust_env=False, timeout=60) as browser,
    ):
        browser.get(page.url)
        events = ask(browser, "Where is a boat?", upload(browser, film.read_bytes(), "film.mp4"))
    steps = [(event["done"], event["total"]) for event in events if event["type"] == "progress"]
    assert (steps[0], steps[-1]) == ((0, 4), (4, 4))
    assert text(events).startswith("A boat.")
    assert events[-2]["type"] == "moments"
    first = events[-2]["moments"][0]
    assert (first["start"], first["what"]) == (1.0, "A boat comes")


def test_windows_that_the_service_refuses(film: Path) -> None:
    def answer(request: Any) -> Any:
        return scripts.error(400, "data_inspection_failed", code="data_inspection_failed")

    with (
        LocalGateway(answer=answer) as service,
        WebPage(model(service), window=6.0) as page,
        httpx.Client(base_url=origin(page), trust_env=False, timeout=60) as browser,
    ):
        browser.get(page.url)
        missing = ask(browser, "Where?", upload(browser, film.read_bytes(), "film.mp4"))[-2]
    assert (missing["type"], len(missing["spans"])) == ("missing", 2)
    assert "data_inspection_failed" in missing["message"]


# --- What goes wrong --------------------------------------------------------------------------------------------------

ERRORS: dict[str, tuple[Script, str, str]] = {
    "a wrong key": (
        scripts.error(401, "Invalid token"),
        "AuthenticationError",
        "the service answered 401: Invalid token.",
    ),
    "a busy service": (scripts.error(429, "负载已饱和"), "RateLimitError", "the service answered 429: 负载已饱和"),
}


@pytest.mark.parametrize(("script", "kind", "message"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_an_event(
    script: Script, kind: str, message: str, browser: httpx.Client, gateway: LocalGateway
) -> None:
    gateway.play(script)
    (event,) = ask(browser)
    assert (event["type"], event["kinds"][0]) == ("error", kind)
    assert event["message"].startswith(message)
    assert gateway.api_key not in event["message"]


def test_an_error_in_the_middle_keeps_what_came(browser: httpx.Client, gateway: LocalGateway) -> None:
    whole = scripts.sse(scripts.answer("A boat leaves")).payload
    gateway.play(Script(body=[whole[: whole.index(b"output_text.done")], scripts.ABORT]))
    events = ask(browser)
    assert text(events) != ""
    assert events[-1]["kinds"][0] == "StreamInterruptedError"


def test_what_cannot_be_asked(browser: httpx.Client, clip: Path) -> None:
    big = upload(browser, clip.read_bytes() + PADDING, "big.mp4")
    small = upload(browser, clip.read_bytes())
    cases = [(("",), "nothing"), (("What?", small, big), "alone"), (("", big), "in_words")]
    assert [ask(browser, *case)[0]["kinds"][0] for case, _ in cases] == [reason for _, reason in cases]


BODIES = {
    "no JSON": (b"{", 400, "the question: Invalid JSON"),
    "another field": (b'{"model": "x"}', 400, "model: Extra inputs are not permitted"),
    "another type": (b'{"question": 1}', 400, "question: Input should be a valid string"),
    "half a sign": (b'{"question": "\\ud800"}', 400, "the question: Invalid JSON"),
}


@pytest.mark.parametrize(("body", "status", "message"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_no_question(body: bytes, status: int, message: str, browser: httpx.Client) -> None:
    response = browser.post("/ask", content=body)
    assert (response.status_code, response.json()["message"][: len(message)]) == (status, message)


def test_a_question_without_bounds(browser: httpx.Client) -> None:
    response = browser.post("/ask", content=b'{"question": "' + b"x" * 5_000_000)
    assert (response.status_code, response.text) == (413, "That is too long.\n")


# --- The end ----------------------------------------------------------------------------------------------------------


def test_answers_under_way_end_with_the_page(gateway: LocalGateway) -> None:
    gateway.play(endless("A boat leaves"))
    page = WebPage(model(gateway)).start()
    with httpx.Client(base_url=origin(page), trust_env=False, timeout=30) as browser:
        browser.get(page.url)
        with browser.stream("POST", "/ask", json={"question": "What?"}) as response:
            lines = response.iter_lines()
            next(lines)
            page.stop()
            assert json.loads([*lines][-1])["kinds"][0] == "ended"
    page.stop()  # a second time nothing happens


def test_an_upload_under_way_ends_with_the_page(gateway: LocalGateway, scratch: Scratch) -> None:
    page = WebPage(model(gateway)).start()
    with socket.create_connection(("127.0.0.1", port(page))) as browser:
        browser.sendall(upload_head(page, 8_000_000) + bytes(3_000_000))
        until(lambda: scratch() != [])
        page.stop()
        assert browser.recv(100).startswith(b"HTTP/1.1 503")
    assert scratch() == []


def test_a_window_of_no_length() -> None:
    with pytest.raises(ConfigurationError, match=r"window=0: give seconds, more than 0"):
        WebPage(ChatDMXOmni(api_key="sk"), window=0)
    with pytest.raises(RuntimeError, match="no address before start"):
        _ = WebPage(ChatDMXOmni(api_key="sk")).url


def test_the_command_without_a_key(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DMXAPI_API_KEY")
    outcome = shell("web", "--no-browser")
    assert (outcome.status, outcome.out) == (1, "")
    assert "there is no API key: set DMXAPI_API_KEY, or try it without one: --demo" in outcome.err


def test_the_command_ends_quietly(gateway: LocalGateway) -> None:
    env = environment(gateway, TERM="dumb", COLUMNS="120")
    status, screen = in_terminal("web", "--no-browser", env=env, interrupt_after="Ctrl-C ends it")
    assert status == 0, screen
    assert "http://127.0.0.1:" in screen
    assert screen.splitlines()[-1] == "ended"
    assert "Traceback" not in screen


def test_the_command_without_a_key_shows_a_demo() -> None:
    env = environment(DMXAPI_API_KEY="", TERM="dumb", COLUMNS="120")
    status, screen = in_terminal("web", "--demo", "--no-browser", env=env, interrupt_after="answers are simulated")
    assert status == 0, screen
    assert screen.splitlines()[-1] == "ended"
