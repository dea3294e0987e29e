"""`Library`: many recordings in one place, found by words and by meaning, and asked."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from langchain_core.documents import Document
from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import merge_configs

from langchain_dmx_omni import jobs
from langchain_dmx_omni.errors import ConfigurationError

from ._adding import AddProgress, Adding, OnAddProgress
from ._database import Database
from ._embedding import choose_embeddings
from ._engines import add_in_threads, add_on_the_loop
from ._graph import aask, ask, build_graph
from ._indexing import CaptionsFrom, Recipe
from ._listing import StrPath, is_url, list_recordings
from ._recordings import Recorded, Recordings
from ._records import Records
from ._reports import AddReport, Problem, Stats
from ._tools import build_tools
from ._writing import Writer
from .answers import Answer
from .moments import Moment
from .retriever import VideoMomentRetriever
from .store import MomentStore, Mode

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel
    from langchain_core.tools import BaseTool
    from langgraph.graph.state import CompiledStateGraph

    from langchain_dmx_omni.video import By
