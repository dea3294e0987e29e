"""The calls, one after the other, and what each has found."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._transport import raw
from langchain_dmx_omni._transport.endpoint import headers
from langchain_dmx_omni.errors import AuthenticationError, ConnectError, DMXOmniError

from ._heard import Heard
from ._probes import PROBES, Probe, picture_of, tone_of
from ._readings import Reading
from ._record import record

_STEP = 1_000_000
"""Bytes within which the inline limit is found."""


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
    """

    llm: ChatDMXOmni
    folder: Path

    def redact(self, text: str) -> str:
        """Return a text without what is secret."""
        return self.llm._secrets(self.llm._key()).redact(text)

    def ask(self, probe: Probe, body: Mapping[str, Any], suffix: str = "") -> Heard:
        """Send one request, once, and keep a record of it.

        Raises:
            AuthenticationError, ConnectError: There is no use in asking on.
        """
        key = self.llm._key()
        request = {"model": self.llm.model, "stream": True, "stream_options": {"include_usage": True}, **body}
        head = headers(key, auth_scheme=self.llm.auth_scheme, default_headers=self.llm.default_headers)
        try:
            content = json.dumps(request, ensure_ascii=False).encode()
            heard = Heard(raw.call(self.llm.base_url, "responses", head, [content]))
        except ConnectError:
            raise
        except DMXOmniError as failure:
            heard = Heard(None, str(failure))
        kept = record(probe, request, heard, self.llm._secrets(key))
        path = self.folder / f"{probe.name}{suffix}.json"
        path.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", "utf-8", errors="backslashreplace")
        if heard.status == 401:
            raise AuthenticationError(self.redact(f"the service answered {heard.error}"), status_code=401)
        return heard


def findings(service: Service) -> Iterator[Finding]:
    """Ask everything, and yield what is found as it is found.

    Raises:
        DMXOmniError: The key is wrong, or the service can't be reached.
    """
    _forget(service.folder)
    for probe in PROBES:
        reading = _reading(service, probe)
        yield Finding(probe, Reading(*map(service.redact, reading)))  # the service may repeat what it was sent


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


def _reading(service: Service, probe: Probe) -> Reading:
    if probe.name == "sound_usage":
        return probe.read(_sounds(service, probe))
    if probe.name == "inline_limit":
        return probe.read(_limit(service, probe))
    body = probe.body()
    if body is None:
        return Reading('not asked: a video has to be made for it, with: pip install "langchain-dmx-omni[video]"')
    return probe.read(service.ask(probe, body))


def _sounds(service: Service, probe: Probe) -> Heard:
    answers = [service.ask(probe, tone_of(each), f"_{each:g}s") for each in probe.series]
    tokens = [each.usage.get("input_tokens", 0) for each in answers]
    return Heard(answers[-1].answer, answers[-1].failure, {"tokens": tokens, "seconds": list(probe.series)})


def _limit(service: Service, probe: Probe) -> Heard:
    """Find the longest data URL by halving, from one that the pages allow to one that nobody promises."""
    taken, most = map(int, probe.series)
    heard = service.ask(probe, picture_of(taken), "_pages")
    if not heard.accepted:
        return Heard(heard.answer, heard.failure, {"refused": taken, "said": heard.error or "nothing came back"})
    length, refused, said = taken + _STEP, 0, ""
    while length - taken >= _STEP // 2:
        heard = service.ask(probe, picture_of(length), f"_{length}")
        if heard.accepted:
            taken = length
            if taken >= most:
                break
        else:
            refused, said = length, heard.error or "nothing came back"
        length = (taken + refused) // 2 // _STEP * _STEP if refused else min(most, length * 2)
        if refused and length <= taken:
            break
    return Heard(heard.answer, heard.failure, {"taken": taken, "refused": refused, "said": said})
