"""A library of recordings that can be asked: moments by words and by meaning, and answers with evidence.

Needs the extra `library`.
"""

from langchain_dmx_omni._extras import extra

with extra("library", "langchain_dmx_omni.library"):
    from ._adding import AddProgress
    from ._citations import Citation
    from ._embedding import LocalEmbeddings
    from ._library import Library
    from ._records import Records
    from ._reports import AddReport, Failed, Problem, Stats
    from ._sheet import contact_sheet
    from .answers import Answer
    from .loader import VideoSegmentLoader
    from .moments import Moment
    from .retriever import VideoMomentRetriever
    from .store import MomentStore

__all__ = [
    "AddProgress",
    "AddReport",
    "Answer",
    "Citation",
    "Failed",
    "Library",
    "LocalEmbeddings",
    "Moment",
    "MomentStore",
    "Problem",
    "Records",
    "Stats",
    "VideoMomentRetriever",
    "VideoSegmentLoader",
    "contact_sheet",
]
