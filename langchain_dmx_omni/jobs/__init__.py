"""Jobs over long video and audio: answered window by window, joined with the times of the whole.

Needs the extra `video`.

`Job` runs a task; `ask`, `captions`, `chapters`, `highlights`, `minutes`, `moderation` and `subtitles` are tasks, and a
`Task` of your own is a few lines. `translate` gives subtitles another language. `Assistant` is a conversation by voice.
"""

from langchain_dmx_omni._extras import extra

with extra("video", "langchain_dmx_omni.jobs"):
    from ._assistant import Assistant, Reply
    from ._job import Job
    from ._reporting import Progress
    from ._tasks.answers import Answered, Evidence, ask
    from ._tasks.captions import CAPTION_WINDOW, Caption, Captions, Written, captions
    from ._tasks.chapters import Chapter, Chapters, chapters
    from ._tasks.highlights import Highlight, Highlights, highlights
    from ._tasks.likeness import alike
    from ._tasks.merging import longer, merge
    from ._tasks.minutes import Action, Decision, Minutes, Speaker, minutes
    from ._tasks.moderation import Finding, Moderation, moderation
    from ._tasks.result import Missing, Result
    from ._tasks.task import Closing, Part, Task
    from ._tasks.timeline import Seconds, Span, Window
    from ._tasks.transcription import Line, Subtitles, subtitles
    from ._translate import translate

__all__ = [
    "CAPTION_WINDOW",
    "Action",
    "Answered",
    "Assistant",
    "Caption",
    "Captions",
    "Chapter",
    "Chapters",
    "Closing",
    "Decision",
    "Evidence",
    "Finding",
    "Highlight",
    "Highlights",
    "Job",
    "Line",
    "Minutes",
    "Missing",
    "Moderation",
    "Part",
    "Progress",
    "Reply",
    "Result",
    "Seconds",
    "Span",
    "Speaker",
    "Subtitles",
    "Task",
    "Window",
    "Written",
    "alike",
    "ask",
    "captions",
    "chapters",
    "highlights",
    "longer",
    "merge",
    "minutes",
    "moderation",
    "subtitles",
    "translate",
]


def __dir__() -> list[str]:
    return __all__
