"""Divide a long video into chapters, with times, a title and a summary.

    python examples/chapters.py lecture.mp4

Interrupt it whenever you like: run it again, and only the windows that are missing are asked about.
"""

import sys

from langchain_dmx_omni import ChatDMXOmni, jobs

path = sys.argv[1] if len(sys.argv) > 1 else "clip.mp4"

job = jobs.Job(ChatDMXOmni(), jobs.chapters(), overlap=5, folder="kept", progress=sys.stderr.isatty())
film = job.invoke(path, {"max_concurrency": 4})

print(film.title)
print(film.summary)
for chapter in film.chapters:
    minutes, seconds = divmod(round(chapter.start), 60)
    print(f"{minutes:02}:{seconds:02} {chapter.title}")
