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
    advice = [f"- {each.reading.advice} ({each.probe.name})" for each in findings if each.reading.advice]
    lines = [
        "# What the service really does",
        "",
        f"Asked: {model} at {without_user_info(base_url)}, by langchain-dmx-omni {version}.",
        "Each answer stands beside this page, as it came, without the key and without media;",
        "`LocalGateway(replay=…)` and `dmx-omni serve --replay` play them back.",
        "",
        "## What follows",
        "",
        *(advice or ["- nothing: the defaults are right"]),
    ]
    for each in findings:
        lines += ["", f"## {each.probe.question}", "", each.reading.said, "", f"The pages say: {each.probe.pages}."]
    return "\n".join(lines) + "\n"
