"""The comparison of the README: its tables are what was tried, and our column is so still."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import comparison, comparison_page

from .test_docs import ROOT

RESULTS = comparison_page.Results.read(ROOT)
TRIED_HERE = (comparison_page.OURS, comparison_page.SCRIPT)
"""The other peers live apart, in the environment of the benchmarks."""


@pytest.mark.parametrize("name", TRIED_HERE)
@pytest.mark.parametrize("row", comparison.ROWS)
def test_a_cell_is_what_comes_of_it(row: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    assert comparison.ROWS[row](comparison.PEERS[name]) == RESULTS.cells[row][name]


def test_every_row_and_peer_was_tried() -> None:
    assert {row: [*cells] for row, cells in RESULTS.cells.items()} == {
        row: [*comparison.PEERS] for row in comparison.ROWS
    }


@pytest.mark.parametrize(
    ("page", "words"), [("README.md", None), ("README.zh-CN.md", comparison_page.CHINESE)], ids=["English", "Chinese"]
)
def test_the_table_of_a_readme_is_what_was_tried(page: str, words: Any) -> None:
    assert f"\n\n{comparison_page.table(RESULTS, words)}\n\n" in (ROOT / page).read_text("utf-8")


def test_the_page_is_what_was_tried() -> None:
    trials = {row: str(trial.__doc__) for row, trial in comparison.ROWS.items()}
    assert (ROOT / "docs" / "comparison.md").read_text("utf-8") == comparison_page.page(RESULTS, trials)
