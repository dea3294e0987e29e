"""The report in plain words. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_dmx_omni._transport.endpoint import without_user_info

from ._run import Finding


def report(findings: Sequence[Finding], *, base_url: str, model: str, version: str) -> str:
    """Return the report as Markdown.

    Args:
        findings: What was found.
        base_url: The service.
        model: The model's name.
        version: Of this package.
    """
    advice = [f"- {each.probe.name}: {each.reading.advice}" for each in findings if each.reading.advice]
    lines = [
        "# What the service really does",
        "",
        f"Asked: {model} at {without_user_info(base_url)}, by langchain-dmx-omni {version}.",
        "Each answer stands beside this page, as it came, without the key and without media;",
        "`LocalGateway(replay=…)` and `dmx-omni serve --replay` play them back.",
        "",
        "## In short",
        "",
        *(_line(verdict, [each for each in findings if _verdict(each) == verdict]) for verdict in _VERDICTS),
        "",
        "## What follows",
        "",
        *(advice or ["- nothing: the defaults are right"]),
    ]
    for each in findings:
        pages = f"The pages say: {each.probe.pages}. This is {_verdict(each)}."
        lines += ["", f"## {each.probe.question}", "", each.reading.said, "", pages]
    return "\n".join(lines) + "\n"


_AS_SAID, _OTHERWISE, _SETTLED, _OPEN = "as the pages say", "not what the pages say", "settled now", "still open"
_VERDICTS = (_OTHERWISE, _AS_SAID, _SETTLED, _OPEN)


def _verdict(finding: Finding) -> str:
    """Return how what was found stands to what the pages say."""
    if finding.reading.yes is None:
        return _OPEN
    if finding.probe.expected is None:
        return _SETTLED
    return _AS_SAID if finding.reading.yes == finding.probe.expected else _OTHERWISE


def _line(verdict: str, findings: Sequence[Finding]) -> str:
    return f"- {verdict}: {', '.join(each.probe.name for each in findings) or 'nothing'}"
