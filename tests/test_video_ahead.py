"""Reading ahead: what an iterator gives, in order, errors too, and no further than it may."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from langchain_dmx_omni.video._ahead import read_ahead

from .calls import until


def counting(given: list[int], end: int, error: Exception | None = None) -> Iterator[int]:
    for number in range(end):
        given.append(number)
        yield number
    if error is not None:
        raise error


@pytest.mark.parametrize("most", [1, 2, 8])
@pytest.mark.parametrize("end", [0, 1, 7])
def test_all_of_it_in_order(end: int, most: int) -> None:
    assert list(read_ahead(counting([], end), most)) == list(range(end))


@pytest.mark.parametrize("end", [0, 1, 7])
def test_an_error_comes_after_what_was_read(end: int) -> None:
    taken: list[int] = []
    with pytest.raises(ValueError, match="broken"):
        taken.extend(read_ahead(counting([], end, ValueError("broken")), 2))
    assert taken == list(range(end))


@pytest.mark.parametrize("most", [1, 2, 8])
def test_no_further_than_it_may(most: int) -> None:
    given: list[int] = []
    numbers = read_ahead(counting(given, 100), most)
    assert next(numbers) == 0
    until(lambda: len(given) == most + 1)
    numbers.close()
    assert len(given) == most + 1
    assert not [each for each in threading.enumerate() if each.name == "dmx-omni-video"]
