"""What no error, log or repr may tell: the key, values of headers, passwords, and the characters of media."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_RECOGNIZABLE = 8
"""Characters of a secret that give it away: an excerpt may end in the middle of it."""

_LONG_WORD = 16
"""Letters of a secret that is no word of ordinary text."""

_BASE64 = "A-Za-z0-9+/_-"
_MEDIA = re.compile(
    # After a data URL's head; or so long that it is nothing else, unless it goes on the name of a host (a URL's path).
    rf"(?<=;base64,)[{_BASE64}]+={{0,2}}"
    rf"|(?<![{_BASE64}])(?<![A-Za-z0-9]\.)(?=[+/_-]*[A-Za-z0-9])[{_BASE64}]{{64,}}={{0,2}}"
)

_KEY_NAMES = ("key", "token", "bearer", "authorization", "secret", "credentials?")


class Secrets:
    """Takes secrets out of texts.

    A long one is taken out wherever it stands, and its beginning where a text breaks off in it; a word that only begins
    like it stays. A short one, or one that might be a word (`x`, `test`, `internal`), is taken out only where its
    name stands before it.

    Args:
        key: The API key.
        headers: Further headers, by name; each value is a secret.
        others: Further secrets, such as a proxy's password.
    """

    def __init__(self, key: str, headers: Mapping[str, str] | None = None, others: Iterable[str] = ()) -> None:
        self._anywhere: dict[str, str] = {}
        self._named: list[tuple[re.Pattern[str], str]] = []
        self._add(key, "[key]", _KEY_NAMES)
        for name, value in (headers or {}).items():
            for part in dict.fromkeys([value.strip(), *value.split()]):
                self._add(part, "[header]", (re.escape(name),))
        for other in others:
            self._add(other, "[secret]", ("password", "user", "proxy"))

    def _add(self, value: str, label: str, names: Iterable[str]) -> None:
        if not value:
            return
        if len(value) >= _LONG_WORD or (len(value) >= _RECOGNIZABLE and not value.isalpha()):
            self._anywhere.setdefault(value, label)
            self._anywhere.setdefault(json.dumps(value)[1:-1], label)  # as it stands in a JSON text
        else:
            before = rf"(?<![^\W_])(?:(?:api|access|auth)?(?:{'|'.join(names)}))"
            pattern = rf"({before}\W{{1,5}}(?:(?:is|was|bearer)\W{{1,3}})?){re.escape(value)}(?!\w)"
            self._named.append((re.compile(pattern, re.IGNORECASE), rf"\g<1>{label}"))

    def redact(self, text: str) -> str:
        """Return a text without secrets and without the characters of media."""
        for value, label in self._anywhere.items():
            text = _cover(text, value, label)
        for pattern, covered in self._named:
            text = pattern.sub(covered, text)
        return without_media(text)

    def are_in(self, text: str) -> bool:
        """Whether a text tells any of them."""
        return self.redact(text) != text

    def clean(self, error: BaseException) -> None:
        """Take them out of an error: its message, its attributes, and what it came from."""
        error.args = tuple(self.redact(each) if isinstance(each, str) else each for each in error.args)
        for name, value in vars(error).items():
            if isinstance(value, str):  # the service's code, param and so on
                setattr(error, name, self.redact(value))
        if any(self.are_in(str(cause)) for cause in _causes(error)):
            # They would be printed with the traceback.
            error.__cause__ = error.__context__ = None


def _cover(text: str, secret: str, label: str) -> str:
    """Cover a secret, and its beginning."""
    head = secret if " " in secret else secret[:_RECOGNIZABLE]
    if head not in text:
        return text
    pieces, at = [], 0
    while (start := text.find(head, at)) >= 0:
        end = start + len(head)
        while end - start < len(secret) and text[end : end + 1] == secret[end - start]:
            end += 1
        ends = end == len(text) or not (text[end].isalnum() or text[end] == "_")
        is_long = len(secret) >= _LONG_WORD
        begins = is_long or start == 0 or not text[start - 1].isalnum()
        # So much of it is no chance; less of it is an excerpt, unless a word only begins like it.
        stands = end - start >= _LONG_WORD or (begins and ends)
        pieces += [text[at:start], label] if stands else [text[at:end]]
        at = end
    return "".join([*pieces, text[at:]])


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause = error.__cause__ or error.__context__
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__


def without_media(text: str) -> str:
    """Return a text with the length of media in its place."""
    return _MEDIA.sub(lambda media: size(media[0]), text)


def size(media: str) -> str:
    """Return what stands for media."""
    return f"<{len(media):,} characters>"
