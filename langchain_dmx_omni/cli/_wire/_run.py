"""The calls, one after the other, and what each has found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._transport import raw, retry
from langchain_dmx_omni._transport.endpoint import headers
from langchain_dmx_omni.errors import AuthenticationError, ConnectError, DMXOmniError, QuotaExceededError

from ._heard import Heard
from ._probes import PAGES_LIMIT, PROBES, Probe, pictures_of, tone_of
from ._readings import Reading
from ._record import record

_STEP = 1_000_000
"""Bytes within which the inline limit is found."""

_TRIES_MORE = 2
"""Tries after the first, for a service that is busy: what it says then settles nothing."""

_IN_VAIN = (AuthenticationError, ConnectError, QuotaExceededError)
"""Errors after which every other question would get the same."""


_NOT_ASKED = Reading('not asked, a video has to be made for it: pip install "langchain-dmx-omni[video]"')


class Finding(NamedTuple):
    """A question and its answer."""

    probe: Probe
    reading: Reading


@dataclass(frozen=True)
class Service:
    """What is asked.

    Attributes:
        llm: Its key, host and model.
        folder: Where records go.
        busy: For each time that it was busy, the HTTP status, and what `Retry-After` said.
    """

    llm: ChatDMXOmni
    folder: Path
    busy: list[tuple[int, str]] = field(default_factory=list)

    def redact(self, text: str) -> str:
        """Return a text without what is secret."""
        return self.llm._secrets(self.llm._key()).redact(text)

    def ask(self, probe: Probe, body: Mapping[str, Any], suffix: str = "") -> Heard:
        """Send one request, again if the service is busy, and keep a record of its last answer.

        Raises:
            DMXOmniError: There is no use in asking on.
        """
        secrets = self.llm._secrets(self.llm._key())
        request = {"model": self.llm.model, "stream": True, "stream_options": {"include_usage": True}, **body}
        content = json.dumps(request, ensure_ascii=False).encode()
        answers: list[Heard] = []

        def attempt() -> None:
            heard = self._sent(content)
            answers.append(heard)
            if heard.answer is not None and not heard.settled:
                self.busy.append((heard.status, heard.answer.headers.get("retry-after", "")))
            if heard.trouble is not None:
                raise heard.trouble

        trouble = None
        try:
            retry.call(attempt, _TRIES_MORE)
        except DMXOmniError as failure:
            trouble = failure
        heard = answers[-1]
        kept = record(probe, request, heard, secrets)
        path = self.folder / f"{probe.name}{suffix}.json"
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8", errors="backslashreplace")
        # The first question is as plain as can be: what is refused then is refused for all of them.
        if trouble is not None and (isinstance(trouble, _IN_VAIN) or probe is PROBES[0]):
            secrets.clean(trouble)
            raise trouble
        return heard

    def _sent(self, content: bytes) -> Heard:
        head = headers(self.llm._key(), auth_scheme=self.llm.auth_scheme, default_headers=self.llm.default_headers)
        try:
            return Heard(raw.call(self.llm.base_url, "responses", head, [content]))
        except DMXOmniError as failure:
            return Heard(None, failure)


def findings(service: Service) -> Iterator[Finding]:
    """Ask everything, and yield what is found as it is found.

    Raises:
        DMXOmniError: The key is wrong, or its quota is used up, or the service can't be reached, or answers nothing.
    """
    _forget(service.folder)
    limit = 0
    for probe in PROBES:
        heard = _heard(service, probe, limit)
        limit = heard.notes.get("taken", limit) if heard else limit
        reading = probe.read(heard) if heard else _NOT_ASKED
        # The service may repeat what it was sent.
        said, advice = service.redact(reading.said), service.redact(reading.advice)
        yield Finding(probe, reading._replace(said=said, advice=advice))


def _forget(folder: Path) -> None:
    """Delete the records of an earlier run, and nothing else: answers of two runs would be played back as one."""
    names = {probe.name for probe in PROBES}
    for path in folder.glob("*.json"):
        try:
            kept = json.loads(path.read_text("utf-8"))
        except ValueError:
            continue
        if isinstance(kept, dict) and kept.get("probe") in names:
            path.unlink()


def _heard(service: Service, probe: Probe, limit: int) -> Heard | None:
    """Return the answer to a probe, or what is noted of its answers; None where it can't be asked.

    Args:
        service: What is asked.
        probe: What about.
        limit: Bytes of a data URL that were taken.
    """
    match probe.name:
        case "sound_usage":
            return _sounds(service, probe)
        case "inline_limit":
            return _limit(service, probe)
        case "request_limit":
            return _two(service, probe, limit)
        case "retry_after":
            return Heard(None, notes={"busy": service.busy})
    body = probe.body()
    return None if body is None else service.ask(probe, body)


def _sounds(service: Service, probe: Probe) -> Heard:
    answers = [service.ask(probe, tone_of(each), f"_{each:g}s") for each in probe.series]
    tokens = [each.usage.get("input_tokens", 0) for each in answers]
    return Heard(answers[-1].answer, answers[-1].failure, {"tokens": tokens, "seconds": list(probe.series)})


def _two(service: Service, probe: Probe, limit: int) -> Heard:
    """Send two data URLs, each as long as the pages allow and the service takes."""
    if not limit:
        return Heard(None)
    length = min(limit, PAGES_LIMIT)
    heard = service.ask(probe, pictures_of(length, 2))
    return Heard(heard.answer, heard.failure, {"length": length})


def _limit(service: Service, probe: Probe) -> Heard:
    """Find the longest data URL by halving, from one that the pages allow to one that nobody promises."""
    taken, most = map(int, probe.series)
    heard = service.ask(probe, pictures_of(taken), "_pages")
    if not heard.accepted:
        return Heard(heard.answer, heard.failure, _refusal(heard, taken))
    length, notes = taken + _STEP, {}
    while length - taken >= _STEP // 2:
        heard = service.ask(probe, pictures_of(length), f"_{length}")
        if heard.accepted:
            taken = length
            if taken >= most:
                break
        else:
            notes = _refusal(heard, length)
            if not heard.settled:
                break
        refused = notes.get("refused", 0)
        length = (taken + refused) // 2 // _STEP * _STEP if refused else min(most, length * 2)
        if refused and length <= taken:
            break
    return Heard(heard.answer, heard.failure, {**notes, "taken": taken})


def _refusal(heard: Heard, length: int) -> dict[str, Any]:
    return {"refused": length, "said": heard.error or "nothing came back", "settled": heard.settled}
