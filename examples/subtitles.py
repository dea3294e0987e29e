"""Write subtitles for a video, as SRT and as WebVTT, in two languages.

    python examples/subtitles.py talk.mp4 German

Players find `talk.srt` beside `talk.mp4` by themselves.
"""

import sys
from pathlib import Path

from langchain_dmx_omni import ChatDMXOmni, jobs

path = Path(sys.argv[1] if len(sys.argv) > 1 else "clip.mp4")
language = sys.argv[2] if len(sys.argv) > 2 else "German"

task = jobs.subtitles(translate=language)
job = jobs.Job(ChatDMXOmni(), task, window=60, by="silence", folder="kept", progress=sys.stderr.isatty())
subtitles = job.invoke(path)

print(subtitles.save(path.with_suffix(".srt"), "text"))
print(subtitles.save(path.with_suffix(".vtt"), "both"))
print(subtitles.vtt("both"))
