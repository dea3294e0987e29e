"""A document as a row of the table, and back. Nothing of its metadata is lost."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from langchain_core.documents import Document

from langchain_dmx_omni.errors import InvalidInputError

from ._filters import storable
from ._fusion import Place
from ._metadata import FIELDS

COLUMNS: Final[tuple[str, ...]] = ("id", "text", *FIELDS, "extra")
"""The columns that make a document."""

ROWS_A_COMMIT: Final = 10_000
TEXTS_A_REQUEST: Final = 256

Item = TypeVar("Item")


def document_row(document: Document, id: str) -> dict[str, Any]:
    """Return the row of a document: a column for each name of `FIELDS`, and `extra` for all other metadata as JSON.

    A value that doesn't fit its column, such as `speaker=None`, is kept in `extra`.

    Raises:
        InvalidInputError: Metadata that isn't JSON.
    """
    columns = {name: _column_value(FIELDS[name], document.metadata.get(name)) for name in FIELDS}
    extra = {name: value for name, value in document.metadata.items() if not _fits(columns.get(name), value)}
    text = storable(document.page_content)
    return {
        "id": storable(id),
        "text": text,
        "words": words(text, str(columns["title"] or "")),
        **columns,
        "extra": _json(extra, id) if extra else None,
    }


def row_document(row: Mapping[str, Any]) -> Document:
    """Return the document of a row."""
    metadata = {name: row[name] for name in FIELDS if row[name] is not None}
    if row["extra"]:
        metadata |= json.loads(row["extra"])
    return Document(page_content=row["text"], metadata=metadata, id=row["id"])


def place(metadata: Mapping[str, Any]) -> Place | None:
    """Return where a moment is, from its row or its metadata; None when it doesn't say."""
    if any(metadata.get(name) is None for name in ("source", "start_seconds", "end_seconds")):
        return None
    return Place(str(metadata["source"]), float(metadata["start_seconds"]), float(metadata["end_seconds"]))


def words(text: str, title: str = "") -> str:
    """Return what is searched by words, and put into a vector: the text, after the title where it doesn't hold it."""
    whole = text if title.casefold() in text.casefold() else f"{title}\n{text}"
    return unicodedata.normalize("NFKC", storable(whole))


def document_ids(documents: Sequence[Document], ids: Sequence[str | None] | None = None) -> list[str]:
    """Return the id of each document: as named in `ids`, its own, or else a hash of all that it holds.

    Raises:
        InvalidInputError: Not as many ids as documents.
    """
    if ids is not None and len(ids) != len(documents):
        msg = f"{len(ids)} ids for {len(documents)} documents"
        raise InvalidInputError(msg)
    named = ids or [None] * len(documents)
    return [id or document.id or _hash(document) for id, document in zip(named, documents, strict=True)]


def _hash(document: Document) -> str:
    about = json.dumps([document.page_content, document.metadata], sort_keys=True, default=str)
    return hashlib.blake2b(about.encode(), digest_size=12).hexdigest()


def _column_value(type_: type[str] | type[float], value: object) -> str | float | None:
    if type_ is str:
        return storable(value) if isinstance(value, str) else None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _fits(column: object, value: object) -> bool:
    return column is not None and column == value


def _json(extra: Mapping[str, Any], id: str) -> str:
    try:
        return json.dumps(extra)
    except (TypeError, ValueError) as error:
        names = ", ".join(sorted(map(repr, extra)))
        msg = f"the metadata of document {id} can't be kept ({error}): of {names}, each must be JSON"
        raise InvalidInputError(msg) from error


def row_batches(
    documents: Sequence[Document], ids: Sequence[str], batch_size: int | None
) -> Iterator[tuple[list[dict[str, Any]], list[list[str]]]]:
    """Yield the rows of each commit with the texts of each request for their vectors; of one id the last one stays."""
    rows = {id: document_row(document, id) for document, id in zip(documents, ids, strict=True)}
    for some in slices(list(rows.values()), ROWS_A_COMMIT):
        yield some, list(slices([row["words"] for row in some], batch_size or TEXTS_A_REQUEST))


def slices(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """Yield the items, so many at a time."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])
