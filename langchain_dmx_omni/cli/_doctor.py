"""`doctor`: what is wrong, and what to do; `doctor --wire`: what the service really does."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from langchain_dmx_omni import ChatDMXOmni
from langchain_dmx_omni._transport.endpoint import without_user_info

from . import _output, _paths, _prices
from ._checks import checks
from ._failures import FAILED
from ._model import Model, PricesText, chat_model
from ._tables import item

_SIGNS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "wrong": ("WRONG", "bold red")}
"""What stands before a check, and its style."""


def doctor(
    *,
    wire: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Settle by some thirty small calls what the service's pages leave open; records go into the folder.",
            show_default=False,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask whether the calls may cost.")] = False,
    call: Annotated[bool, typer.Option(help="Ask one small question at the end, which costs next to nothing.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    prices: PricesText = None,
    model: Model = None,
) -> None:
    """Look at the key, the host, the proxy, the certificates, the versions; say what is wrong and what to do."""
    of = _prices.prices(prices)
    llm = chat_model(model=model, max_retries=0)
    if wire is not None:
        _record(llm, wire, of, yes=yes)
        return
    found = []
    for check in checks(llm, of, call=call):
        found.append(check)
        if not as_json:
            sign, style = _SIGNS[check.state]
            item(sign, f"{check.name}: {check.said}", style)
            if check.remedy and check.state != "ok":
                item("", f"→ {check.remedy}")
    if as_json:
        _output.answer_json([check._asdict() for check in found])
    if any(check.state == "wrong" for check in found):
        raise typer.Exit(FAILED)


def _record(llm: ChatDMXOmni, folder: Path, of: _prices.Prices, *, yes: bool) -> None:
    from ._wire import _report, _run  # noqa: PLC0415  # for few
    from ._wire._probes import PROBES  # noqa: PLC0415  # for few

    llm._key()
    folder = _paths.folder(folder, "--wire")
    asked = [probe for probe in PROBES if probe.tokens]
    tokens = sum(probe.tokens * max(1, len(probe.series)) for probe in asked)
    cost = _prices.said(tokens * of.text / 1e6)
    where = f"{llm.model} at {without_user_info(llm.base_url)}"
    _output.note(f"{len(asked)} questions to {where}, and 50 to 150 MB to upload: {cost}")
    if not yes and not _output.confirmed("Ask them?"):
        raise typer.Exit(FAILED)
    page, findings = folder / "report.md", []
    try:
        for finding in _run.findings(_run.Service(llm, folder)):
            findings.append(finding)
            _output.note(f"{finding.probe.name}: {finding.reading.said}")
    finally:  # what is paid for is kept, whatever ends the rest
        if findings:
            text = _report.report(findings, base_url=llm.base_url, model=llm.model, version=_version())
            page.write_text(text, "utf-8", errors="backslashreplace")
    _output.answer(str(page))


def _version() -> str:
    try:
        return version("langchain-dmx-omni")
    except PackageNotFoundError:  # a frozen application holds the code alone
        return "(unknown)"
