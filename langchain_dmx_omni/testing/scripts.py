r"""Wire-level scripts for `LocalGateway.play`: pure data, no sockets.

>>> from . import scripts
>>> script = scripts.sse(scripts.answer("Hi there."), newline=b"\r\n")
>>> script.payload.count(b"response.output_text.delta\r\n")
2

A turn that calls tools, a search and one more:

>>> events = scripts.called(scripts.Call("search", {"query": "cats"}), scripts.Call("now"))
>>> [item["arguments"] for item in events[-1]["response"]["output"]]
['{"query":"cats"}', '{}']
"""

from ._answers import (
    DEFAULT_USAGE,
    MODEL,
    SAMPLE_RATE,
    SPEECH_SHAPES,
    TEXT,
    answer,
    called,
    numbered,
    spoken,
    wav,
)
from ._arrivals import (
    ARRIVALS,
    AUDIO_URL,
    BIG_PCM_BYTES,
    BROKEN_ARRIVALS,
    CUT_ARGUMENTS,
    EMOJI,
    ODD_TEXT,
    PCM,
    REASONING,
    REFUSAL,
    TOOL_ARGUMENTS,
    URL_CITATION,
)
from ._http_errors import ERRORS, REQUEST_ID
from ._items import Call
from ._script import ABORT, Abort, Event, Script, error, sse

__all__ = [
    "ABORT",
    "ARRIVALS",
    "AUDIO_URL",
    "BIG_PCM_BYTES",
    "BROKEN_ARRIVALS",
    "CUT_ARGUMENTS",
    "DEFAULT_USAGE",
    "EMOJI",
    "ERRORS",
    "MODEL",
    "ODD_TEXT",
    "PCM",
    "REASONING",
    "REFUSAL",
    "REQUEST_ID",
    "SAMPLE_RATE",
    "SPEECH_SHAPES",
    "TEXT",
    "TOOL_ARGUMENTS",
    "URL_CITATION",
    "Abort",
    "Call",
    "Event",
    "Script",
    "answer",
    "called",
    "error",
    "numbered",
    "spoken",
    "sse",
    "wav",
]
