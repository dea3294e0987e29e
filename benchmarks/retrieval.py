"""How well moments are found: hit@1, hit@5 and IoU ≥ .5 at 5, by words, by meaning, and by both.

    python -m benchmarks.retrieval SET.json …

A set is `{"name", "scope": "corpus" | "video", "documents": [{"video", "start", "end", "text"}], "queries": [{"query",
"video", "spans": [[start, end], …]}]}`. A hit is a moment that overlaps a span of the right video; with the scope
"video" only that video is searched. Embeddings are those that need no key.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from langchain_core.documents import Document

from langchain_dmx_omni.library import Library, LocalEmbeddings, Moment
from langchain_dmx_omni.library._searcher import Mode

MODES: tuple[Mode, ...] = ("words", "meaning", "hybrid")

Span = tuple[float, float]


def main(paths: list[str]) -> None:
    """Measure each set."""
    embeddings = LocalEmbeddings()
    for path in paths:
        labelled: dict[str, Any] = json.loads(Path(path).read_text("utf-8"))
        with tempfile.TemporaryDirectory() as folder:
            library = Library.open(folder, embeddings=embeddings)
            library.add_documents([_document(each) for each in labelled["documents"]])
            for mode in MODES:
                hit_1, hit_5, iou_5 = measure(library, labelled, mode)
                sys.stdout.write(
                    f"{labelled['name']}  {mode:7}  hit@1 {hit_1:.3f}  hit@5 {hit_5:.3f}  IoU {iou_5:.3f}\n"
                )


def measure(library: Library, labelled: dict[str, Any], mode: Mode) -> tuple[float, float, float]:
    """Return hit@1, hit@5, and the share of questions with a moment among five whose IoU is .5 or more."""
    first = five = tight = 0
    for query in labelled["queries"]:
        within = query["video"] if labelled["scope"] == "video" else None
        moments = library.search(query["query"], k=5, mode=mode, source=within)
        ious = [_best_iou(moment, query["video"], query["spans"]) for moment in moments]
        first += any(iou > 0 for iou in ious[:1])
        five += any(iou > 0 for iou in ious)
        tight += any(iou >= 0.5 for iou in ious)
    questions = len(labelled["queries"])
    return first / questions, five / questions, tight / questions


def _document(moment: dict[str, Any]) -> Document:
    where = {"source": moment["video"], "start_seconds": moment["start"], "end_seconds": moment["end"]}
    return Document(moment["text"], metadata=where)


def _best_iou(moment: Moment, video: str, spans: list[Span]) -> float:
    if moment.source != video:
        return 0.0
    start, end = moment.start, moment.end
    shares = (
        max(min(end, last) - max(start, first), 0.0) / (max(end, last) - min(start, first)) for first, last in spans
    )
    return max(shares, default=0.0)


if __name__ == "__main__":
    main(sys.argv[1:])
