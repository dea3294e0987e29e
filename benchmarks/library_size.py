"""What a search over many moments takes: CPU beside the embedding of the question, and memory.

    python -m benchmarks.library_size [MOMENTS]

Moments are made of the words of a small vocabulary, whose use falls with their rank as it does in language; vectors are
random, with 384 dimensions, about a thousand centres. CPU is that of the whole process, all threads.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from langchain_dmx_omni.library.store import MomentStore

DIMENSIONS = 384
CENTRES = 1_000
WORDS = 20_000
WORDS_A_MOMENT = 40
SEARCHES = 200
BATCH = 10_000


class Random(Embeddings):
    """Vectors around centres, without looking at the texts."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(1)
        self._centres = self._random.normal(size=(CENTRES, DIMENSIONS)).astype(np.float32)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector for each."""
        centres = self._centres[self._random.integers(CENTRES, size=len(texts))]
        noise = self._random.normal(scale=0.5, size=centres.shape).astype(np.float32)
        return list(centres + noise)

    def embed_query(self, text: str) -> list[float]:
        """Return a vector."""
        return list(map(float, self.embed_documents([text])[0]))


class Talk:
    """Texts of words that are used as in language (Zipf)."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(2)
        self._words = np.array([f"{a}{b}{c}" for a in _SYLLABLES for b in _SYLLABLES for c in _SYLLABLES][:WORDS])

    def text(self, words: int) -> str:
        """Return a text of so many words."""
        ranks = self._random.zipf(1.2, size=words) % WORDS
        return " ".join(self._words[ranks])


_SYLLABLES = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]


def main(moments: int) -> None:
    """Write so many moments, and search."""
    with tempfile.TemporaryDirectory() as folder:
        embeddings, talk = Random(), Talk()
        store = MomentStore.open(folder, embeddings=embeddings)
        began = time.perf_counter()
        for start in range(0, moments, BATCH):
            store.add_documents([_moment(talk, number) for number in range(start, min(start + BATCH, moments))])
        store.optimize()
        written = time.perf_counter() - began
        # Older versions stay for ten minutes, for those who are reading them.
        store._table.lance.optimize(cleanup_older_than=timedelta(0), delete_unverified=True)
        size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
        sys.stdout.write(f"{moments} moments: written in {written:.0f} s, {size / 1e6:.0f} MB\n")
        sys.stdout.flush()
        measure(folder)


def measure(folder: str) -> None:
    """Search a library in a process of its own, so that its memory is a reader's."""
    import subprocess

    subprocess.run([sys.executable, "-m", "benchmarks.library_size", "--read", folder], check=True)


def read(folder: str) -> None:
    """Search, and say what it took."""
    import lancedb  # noqa: F401

    before = _memory()
    embeddings, talk = Random(), Talk()
    store = MomentStore.open(folder, embeddings=embeddings)
    for mode in ("words", "meaning", "hybrid"):
        took = []
        for number in range(SEARCHES):
            sources = f"film {number % 100}" if number % 4 == 0 else None
            query = talk.text(8)
            vector_cpu = time.process_time()
            embeddings.embed_query(query)
            vector_cpu = time.process_time() - vector_cpu
            began = time.process_time()
            store.search_moments(query, mode=mode, sources=sources)
            took.append((time.process_time() - began - (vector_cpu if mode != "words" else 0.0)) * 1000)
        took = sorted(took[5:])
        p50, p95 = took[len(took) // 2], took[int(len(took) * 0.95)]
        sys.stdout.write(f"{mode:7}  CPU p50 {p50:.1f} ms, p95 {p95:.1f} ms; memory {_memory() - before:.0f} MB more\n")
        sys.stdout.flush()


def _moment(talk: Talk, number: int) -> Document:
    film, place = f"film {number % 1000}", number // 1000 * 20.0
    where = {"source": film, "start_seconds": place, "end_seconds": place + 20, "kind": "speech"}
    return Document(talk.text(WORDS_A_MOMENT), metadata=where, id=str(number))


def _memory() -> float:
    """Return the most memory that this process has held so far, in MB; `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text("utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--read", folder]:
            read(folder)
        case [moments]:
            main(int(moments))
        case _:
            main(100_000)
