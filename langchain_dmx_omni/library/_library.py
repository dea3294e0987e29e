"""`Library`: many recordings in one place, found by words and by meaning, and asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from langchain_core.documents import Document
from langchain_core.runnables.config import merge_configs

from langchain_dmx_omni._disk.names import is_url
from langchain_dmx_omni.errors import ConfigurationError, InvalidInputError
from langchain_dmx_omni.jobs import CAPTION_WINDOW

from ._adding import Adding, OnAddProgress
from ._database import Database
from ._embedding import choose_embeddings, embedding_name
from ._engines import add_in_threads, add_on_the_loop
from ._given import checked
from ._graph import aask, ask, build_graph
from ._indexing import CaptionsFrom, Recipe
from ._listing import Listed, StrPath, list_recordings
from ._reports import AddReport, Problem, Stats
from ._search import Between, Searchable, Source, names_of
from ._searcher import Mode
from ._table import MomentTable
from ._thumbnails import Thumbnails
from ._tools import tools
from ._verifying import problems
from ._writing import Turn, Writer, writing
from .answers import Answer
from .store import MomentStore

if TYPE_CHECKING:
    from langchain_core.documents.compressor import BaseDocumentCompressor
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import RunnableConfig
    from langchain_core.tools import BaseTool
    from langgraph.graph.state import CompiledStateGraph

    from langchain_dmx_omni.video import By

Engine = Literal["threads", "ray"]

_CONCURRENCY: Final = 4
_POLL: Final = 0.5


class Library(Searchable):
    """Many recordings in one place: indexed once, found by words and by meaning, and asked.

    ```python
    from langchain_dmx_omni import ChatDMXOmni
    from langchain_dmx_omni.library import Library

    library = Library.open("films.library", llm=ChatDMXOmni())
    library.add("recordings/", progress=True)
    for moment in library.search("when did the crane stop?"):
        print(moment.source, moment.start, moment.end, moment.text)
    answer = library.ask("Why did it stop?", voice="Tina")
    print(answer.text, answer.citations)
    ```

    Open one with `Library.open`. It can be searched from any thread; one process at a time writes, others wait.

    Attributes:
        place: The folder, or the URL.
        store: The moments, as a LangChain vector store.
        records: A LangChain record manager for documents of your own, as `langchain_core.indexing.index` takes it.
    """

    def __init__(
        self,
        place: str,
        database: Database,
        store: MomentStore,
        *,
        llm: BaseChatModel | None,
        reranker: BaseDocumentCompressor | None,
        recipe: Callable[[CaptionsFrom], Recipe],
    ) -> None:
        self.place = place
        self.store = store
        self._writer = Writer(store, database)
        self.records = self._writer.given
        self._llm = llm
        self._reranker = reranker
        self._recipe = recipe

    @classmethod
    def open(
        cls,
        place: StrPath,
        *,
        llm: BaseChatModel | None = None,
        embeddings: Embeddings | Literal["none"] | None = None,
        reranker: BaseDocumentCompressor | None = None,
        language: str | None = None,
        window: float = CAPTION_WINDOW,
        by: By | None = None,
        storage_options: Mapping[str, str] | None = None,
        folder_options: Mapping[str, Any] | None = None,
    ) -> Self:
        """Return the library at a place; an empty one where there is none.

        Args:
            place: A folder, or an address of object storage such as `s3://bucket/films.library`.
            llm: The model that describes recordings and answers questions. Without one, what has subtitles can be
                indexed, and everything be searched.
            embeddings: What makes vectors of texts; `"none"` for words alone. By default those that the library was
                made with, else `DMXEmbeddings` if there is a key, else a small multilingual model on this machine.
            reranker: Sorts what a search gives once more, such as `DMXReranker()`.
            language: What recordings are described in; by default the language that is spoken.
            window: Seconds of a window that the model is asked about.
            by: Where windows end; see `jobs.Job`.
            storage_options: What LanceDB needs for object storage, by its names, such as `aws_access_key_id`.
            folder_options: What fsspec needs for the same place, such as `{"key": …, "secret": …}`.

        Raises:
            ConfigurationError: The library was made with other embeddings.
            ImportError: LanceDB isn't installed: the extra `library`.
            StorageError: There is something else, or it can't be reached.
        """
        name = os.fspath(place)
        if not is_url(name):
            name = os.path.abspath(os.path.expanduser(name))  # noqa: PTH100, PTH111  # links stay
        database = Database(f"{name}/moments", storage_options)
        table = MomentTable(database)
        chosen = None if embeddings == "none" else choose_embeddings(embeddings, llm, table.embedding)
        if chosen is not None:
            table.check(embedding_name(chosen))

        def recipe(captions: CaptionsFrom) -> Recipe:
            return Recipe(
                captions,
                llm,
                language=language,
                window=window,
                by=by,
                folder=f"{name}/answers",
                folder_options=folder_options,
                thumbnails=Thumbnails(name, folder_options),
            )

        return cls(name, database, MomentStore(table, chosen), llm=llm, reranker=reranker, recipe=recipe)

    def __repr__(self) -> str:
        return f"Library({self.place!r})"

    # What is in it

    def add(
        self,
        paths: StrPath | Iterable[StrPath],
        *,
        captions: CaptionsFrom | None = None,
        engine: Engine = "threads",
        progress: OnAddProgress | bool = False,
        max_concurrency: int = _CONCURRENCY,
        config: RunnableConfig | None = None,
        source_options: Mapping[str, Any] | None = None,
    ) -> AddReport:
        """Index recordings; one that is indexed already and has not changed costs nothing.

        A file that can't be indexed is in the report, and the others go on. Interrupt it in any way, and run it again:
        what was answered is not asked again. A renamed file is known by its bytes.

        Args:
            paths: Files, folders (with all that is in them), globs, or URLs of these that fsspec reaches.
            captions: `"model"` to ask the model what is seen, said and written; subtitles beside a recording, such as
                `talk.srt`, take the place of what it hears. `"subtitles"` for those alone, `"none"` for windows of
                which nothing is known. By default `"model"` if the library has one, else `"subtitles"`.
            engine: What does the work: threads of this process, or a cluster (`"ray"`, the extra `ray`).
            progress: True for a bar on standard error, or a function that is given an `AddProgress`.
            max_concurrency: Recordings at a time, and calls in flight.
            config: Callbacks, tags and metadata for all calls.
            source_options: What fsspec needs for URLs.

        Raises:
            ConfigurationError: Nothing is there under one of the names; nothing was sent.
            StorageError: The library or a temporary folder can't be written.
            DMXOmniError: What no recording is spared, such as a wrong key; what is indexed by then stays.
        """
        recipe, config = self._how(captions), _bounded(config, max_concurrency)
        listed = list_recordings(paths, source_options)
        with writing(self.place):
            adding = self._adding(listed, recipe)
            with adding.reporting(progress):
                if engine == "ray":
                    from ._ray import add_on_ray  # noqa: PLC0415  # an extra

                    add_on_ray(adding, recipe, config)
                elif engine == "threads":
                    add_in_threads(adding, recipe, config)
                else:
                    raise ConfigurationError(f"engine={engine!r}: 'threads' or 'ray'")
            return self._report(adding)

    async def aadd(
        self,
        paths: StrPath | Iterable[StrPath],
        *,
        captions: CaptionsFrom | None = None,
        progress: OnAddProgress | bool = False,
        max_concurrency: int = _CONCURRENCY,
        config: RunnableConfig | None = None,
        source_options: Mapping[str, Any] | None = None,
    ) -> AddReport:
        """Async version of `add`, on the event loop."""
        recipe, config = self._how(captions), _bounded(config, max_concurrency)
        listed = await asyncio.to_thread(list_recordings, paths, source_options)
        turn = Turn(self.place)
        while not await asyncio.to_thread(turn.take):  # noqa: ASYNC110  # another process can't set an event
            await asyncio.sleep(_POLL)
        try:
            adding = await asyncio.to_thread(self._adding, listed, recipe)
            with adding.reporting(progress):
                await add_on_the_loop(adding, recipe, config)
            return await asyncio.to_thread(self._report, adding)
        finally:
            turn.end()

    def _how(self, captions: CaptionsFrom | None) -> Recipe:
        return self._recipe(captions or ("model" if self._llm is not None else "subtitles"))

    def _adding(self, listed: Sequence[Listed], recipe: Recipe) -> Adding:
        return Adding(listed, recipe, self._writer)

    def _report(self, adding: Adding) -> AddReport:
        report = adding.end()
        if report.added:
            self._writer.optimize()
        return report

    def add_documents(self, documents: Iterable[Document]) -> list[str]:
        """Add moments that are known already, and return their ids; those of the same ids are replaced.

        Args:
            documents: Their text, with the metadata `source`, `start_seconds` and `end_seconds`; other metadata is
                kept. One without an id has one that follows from these.

        Raises:
            InvalidInputError: One lacks some of this, or its times can't be; nothing is added.
            StorageError: The library can't be written.
        """
        moments = checked(documents)
        with writing(self.place):
            self._writer.give(moments)
            self._writer.optimize()
        return [str(moment.id) for moment in moments]

    def remove(self, source: StrPath) -> None:
        """Remove all that is known of a recording. The model's answers are kept, so that adding it again is free.

        Raises:
            InvalidInputError: Nothing is known of it.
            StorageError: The library can't be written.
        """
        names = names_of(source)
        with writing(self.place):
            if not self.store.count(sources=names) and not self._writer.recordings.of(names):
                raise InvalidInputError(f"{os.fspath(source)}: no such recording is in {self.place}")
            self._writer.remove(names)

    def reembed(self, embeddings: Embeddings | None) -> None:
        """Make the vectors of all moments anew with other embeddings, or do without; whole, or not at all.

        Raises:
            StorageError: The library can't be written.
        """
        with writing(self.place):
            self.store.reembed(embeddings)

    def verify(self) -> list[Problem]:
        """Return what is out of step, each with its remedy; none means that all is well.

        Moments, the record of them, what is known of the recordings, and the recordings' files are compared.

        Raises:
            StorageError: The library can't be read.
        """
        return list(problems(self.store, self._writer))

    def stats(self) -> Stats:
        """Return how much there is.

        Raises:
            StorageError: The library can't be read.
        """
        recordings = self._writer.recordings.all()
        name, dimensions = self.store.embedding or ("", 0)
        seconds = sum(each.duration for each in recordings)
        return Stats(len(recordings), self.store.count(), seconds, name, dimensions)

    # Answering

    def ask(
        self,
        question: str,
        *,
        voice: str | None = None,
        k: int = 5,
        look: bool = True,
        source: Source | None = None,
        between: Between | None = None,
        mode: Mode = "hybrid",
        config: RunnableConfig | None = None,
    ) -> Answer:
        """Return an answer with its evidence; what rests on none says that the library does not show it.

        Args:
            question: In any language.
            voice: Who speaks the answer; None for the model's own voice, if it has one.
            k: Moments that are retrieved, at most.
            look: Whether the model is shown their clips with the question in hand, before it answers.
            source: Of this recording, or one of these, only.
            between: Only moments that overlap this span of seconds.
            mode: How moments are found; see `search`.
            config: LangChain's: callbacks, tags, metadata.

        Raises:
            ConfigurationError: The library was opened without a model.
            DMXOmniError: The model could not be asked.
        """
        graph = self.as_graph(voice=voice, k=k, look=look, source=source, between=between, mode=mode)
        return ask(graph, self, question, config)

    async def aask(
        self,
        question: str,
        *,
        voice: str | None = None,
        k: int = 5,
        look: bool = True,
        source: Source | None = None,
        between: Between | None = None,
        mode: Mode = "hybrid",
        config: RunnableConfig | None = None,
    ) -> Answer:
        """Async version of `ask`."""
        graph = self.as_graph(voice=voice, k=k, look=look, source=source, between=between, mode=mode)
        return await aask(graph, self, question, config)

    def as_graph(self, **options: Any) -> CompiledStateGraph[Any, Any, Any, Any]:
        """Return the LangGraph graph that `ask` runs: plan, retrieve, look, answer, and speak where there is a voice.

        Args:
            **options: As of `ask`, and `plan=False` to search for the question as it is, and `checkpointer`.

        Raises:
            ConfigurationError: The library was opened without a model.
            ImportError: LangGraph isn't installed: the extra `library`.
        """
        return build_graph(self, self._model(), **options)

    def as_tools(self, *, folder: StrPath | None = None, mode: Mode = "hybrid") -> list[BaseTool]:
        """Return tools for anybody's agent: `search_recordings`, and `look_at_moment`, which cuts a clip.

        Args:
            folder: Where clips go; by default to `video.cache_dir()`.
            mode: How moments are found; see `search`.

        Raises:
            ConfigurationError: The library was opened without a model.
        """
        return tools(self, self._model(), folder=folder, mode=mode)

    def _model(self) -> BaseChatModel:
        if self._llm is None:
            raise ConfigurationError(
                "this library was opened without a model: Library.open(…, llm=ChatDMXOmni()); search() needs none"
            )
        return self._llm


def _bounded(config: RunnableConfig | None, max_concurrency: int) -> RunnableConfig:
    if max_concurrency < 1:
        raise ConfigurationError(f"max_concurrency={max_concurrency!r}: 1 or more")
    return merge_configs(config, {"max_concurrency": max_concurrency})
