"""One recording → its moments. The same for threads, the event loop and a cluster; none of them waits here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

from langchain_core.documents import Document

from langchain_dmx_omni import jobs, video
from langchain_dmx_omni.errors import ConfigurationError

from ._documents import caption_documents, title_of
from ._listing import Listed
from ._recordings import Recorded
from ._sidecar import read_sidecar

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

CaptionsFrom = Literal["model", "subtitles", "none"]


class Indexed(NamedTuple):
    """A recording's moments, and what is to be known of it."""

    recorded: Recorded
    documents: list[Document]
    missing: Sequence[jobs.Missing]
