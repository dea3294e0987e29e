"""The trees of errors that people read say what the package does: classes, statuses, and what is retried."""

from __future__ import annotations

import builtins
import re
from collections import defaultdict
from dataclasses import dataclass

import pytest
from langchain_core import exceptions

from langchain_dmx_omni import errors, voices
from langchain_dmx_omni._answer.deltas import AnswerSpec
from langchain_dmx_omni._answer.endings import settle
from langchain_dmx_omni._answer.reader import AnswerReader
from langchain_dmx_omni._failures import from_response

from .conftest import ROOT

STATUSES = range(400, 600)
NAMES = {**vars(builtins), **vars(exceptions), **vars(errors)}


@dataclass(frozen=True)
class Row:
    """One class of a tree, or a further line of it."""

    kind: type[errors.DMXOmniError]
    bases: tuple[type, ...]
    statuses: frozenset[int]
    retried: str


def rows(tree: str, column: int | None = None) -> list[Row]:
    """Read a tree; what is retried stands from a column on."""
    named = {status for status in STATUSES if str(status) in tree}
    read: list[Row] = []
    for line in tree.split("\n"):
        classes = [NAMES[name] for name in re.findall(r"\w+Error\b", line)]
        hundreds = [int(hundred) for hundred in re.findall(r"any other ([45])xx", line)]
        row = Row(
            kind=classes[0] if classes else read[-1].kind,
            bases=tuple(classes),
            statuses=frozenset(
                status
                for status in STATUSES
                if str(status) in line or (status not in named and status // 100 in hundreds)
            ),
            retried=line[column:].strip() if column else "",
        )
        read.append(row)
    return read


def statuses(tree: list[Row]) -> dict[type[errors.DMXOmniError], set[int]]:
    """The statuses of each class."""
    of_class: dict[type[errors.DMXOmniError], set[int]] = defaultdict(set)
    for row in tree:
        of_class[row.kind] |= row.statuses
    return of_class


DOCSTRING = (errors.__doc__ or "").split("::\n\n")[1].split("\n\n")[0]
TREE = rows(DOCSTRING, DOCSTRING.index("retried"))
README = rows((ROOT / "README.md").read_text("utf-8").split("## Errors")[1].split("```text\n")[1].split("\n```")[0])


def test_every_class_has_its_row() -> None:
    assert {row.kind.__name__ for row in TREE} == {*errors.__all__} - {"DMXOmniWarning"}
    for row in (*TREE, *README):
        assert all(issubclass(row.kind, base) for base in row.bases)


def test_the_readme_says_the_same() -> None:
    assert statuses(README) == statuses(TREE)


@pytest.mark.parametrize("row", TREE[1:], ids=lambda row: f"{row.kind.__name__} {row.retried}")
def test_what_is_retried_is_what_the_tree_says(row: Row) -> None:
    assert row.kind("m").is_retryable == {"yes": True, "twice": True, "no": False, "known voice": False}[row.retried]


def test_every_status_has_one_row() -> None:
    assert sorted(status for row in TREE for status in row.statuses) == [*STATUSES]


@pytest.mark.parametrize(
    "row", [row for row in TREE if row.statuses], ids=lambda row: f"{row.kind.__name__} {row.retried}"
)
def test_a_status_gives_the_class_of_its_row(row: Row) -> None:
    bound = 2 if row.retried == "twice" else None
    for status in row.statuses:
        error = from_response(status, {}, b"")
        assert (status, type(error), error.max_retries) == (status, row.kind, bound)


@pytest.mark.parametrize(("voice", "retried"), [(None, True), (voices.names()[0], True), ("nobody", False)])
def test_an_empty_answer_is_retried_for_a_known_voice(voice: str | None, retried: bool) -> None:
    assert [row.retried for row in TREE if row.kind is errors.EmptyAnswerError] == ["known voice"]
    reader = AnswerReader(AnswerSpec("m", voice=voice))
    assert settle(reader) == []
    failure = reader.answer.failure
    assert isinstance(failure, errors.EmptyAnswerError)
    assert failure.is_retryable is retried
