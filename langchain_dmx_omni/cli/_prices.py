"""What calls cost, as an estimate.

Source: DMXAPI's list prices for the model, in CNY per million tokens, read 2026-11. Its usage numbers look weighted by
price, in units of the price of text: usage times that price fits its samples. It is no bill.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

import typer

from langchain_dmx_omni._media.token_rules import count_audio, count_video

VARIABLE = "DMX_OMNI_PRICES"


class Prices(NamedTuple):
    """CNY per million tokens."""

    text: float = 7.0
    """Of text, images and video that are sent."""
    audio: float = 53.0
    """Of sound that is sent."""
    answer: float = 40.0
    """Of text that is answered."""
    speech: float = 213.0
    """Of speech that is answered."""

    def weighted(self, tokens: float, price: float) -> float:
        """Return tokens of a price in units of the price of text, as usage counts them."""
        return tokens * price / self.text if self.text else 0.0


class Estimate(NamedTuple):
    """What sending something comes to."""

    tokens: int
    """As usage counts them: weighted by price."""
    cost: float
    """CNY."""


def prices(text: str | None = None) -> Prices:
    """Return the prices: those given, else those of the environment, else the list's.

    Args:
        text: `text=7,audio=53,answer=40,speech=213`; what is left out is the list's.

    Raises:
        typer.BadParameter: It is none of that.
    """
    where = VARIABLE if text is None else "--prices"
    text = os.environ.get(VARIABLE, "") if text is None else text
    given: dict[str, float] = {}
    for item in filter(None, map(str.strip, text.split(","))):
        name, _, value = item.partition("=")
        try:
            given[name.strip()] = float(value)
        except ValueError:
            given[""] = 0.0
    if not given.keys() <= set(Prices._fields) or any(not 0 <= value < float("inf") for value in given.values()):
        raise typer.BadParameter(
            f"{text!r}: write text=7,audio=53,answer=40,speech=213 (CNY per million tokens), or some of these",
            param_hint=where,
        )
    return Prices(**given)


def cost(usage: Mapping[str, Any] | None, of: Prices) -> float:
    """Return the estimated cost of a call in CNY by its usage metadata; 0 where nothing was reported."""
    return float((usage or {}).get("total_tokens", 0)) * of.text / 1e6


def said(amount: float) -> str:
    """Return a cost in words, which say that it is an estimate."""
    return f"about CNY {amount:.4f} (an estimate)" if amount < 1 else f"about CNY {amount:.2f} (an estimate)"


def sent(seconds: float, size: tuple[int, int] | None, *, sound: bool, of: Prices) -> Estimate:
    """Return the estimate for sending a part of a recording.

    Args:
        seconds: Its length.
        size: Width and height in pixels; None without pictures.
        sound: Whether there is sound.
        of: The prices.
    """
    pictures = count_video(seconds, *size) if size else 0
    heard = count_audio(seconds) if sound else 0
    tokens = pictures + of.weighted(heard, of.audio)
    return Estimate(round(tokens), tokens * of.text / 1e6)
