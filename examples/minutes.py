"""Write the minutes of a meeting: who spoke, what was decided, who does what until when.

    python examples/minutes.py meeting.mp4

The same works for sound alone, such as a WAV or an MP3.
"""

import sys

from langchain_dmx_omni import ChatDMXOmni, jobs

path = sys.argv[1] if len(sys.argv) > 1 else "clip.mp4"

job = jobs.Job(ChatDMXOmni(), jobs.minutes(), by="silence", folder="kept", progress=sys.stderr.isatty())
minutes = job.invoke(path)

print(minutes.summary)
print("\nSpeakers:", ", ".join(speaker.name for speaker in minutes.speakers))
print("\nDecisions")
for decision in minutes.decisions:
    print(f"- {decision.text} (at {decision.start:.0f} s)")
print("\nTo do")
for action in minutes.actions:
    print(f"- {action.text} Who: {action.owner or 'nobody yet'}. Until: {action.due or 'not said'}.")
