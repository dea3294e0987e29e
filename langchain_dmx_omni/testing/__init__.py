"""The service on loopback, and scripts for everything it may send: for demos, tests and continuous integration.

Needs the extra `local`; the scripts alone need nothing.
"""

from . import scripts
from ._incoming import Media, Message, Request, Tool, ToolResult
from ._items import Call
from ._record import RecordedRequest
from ._reply import Answer, AnswerFunction
from ._script import Script
from .gateway import LocalGateway

__all__ = [
    "Answer",
    "AnswerFunction",
    "Call",
    "LocalGateway",
    "Media",
    "Message",
    "RecordedRequest",
    "Request",
    "Script",
    "Tool",
    "ToolResult",
    "scripts",
]


def __dir__() -> list[str]:
    return __all__
