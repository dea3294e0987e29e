"""A library of recordings that can be asked: moments by words and by meaning, and answers with evidence.

Needs the extra `library`.
"""

from .loader import VideoSegmentLoader
from .moments import Moment

__all__ = ["Moment", "VideoSegmentLoader"]
