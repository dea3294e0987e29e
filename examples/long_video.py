"""Ask about each part of a long video, and print the answers with their times.

    python examples/long_video.py recording.mp4 "Who speaks, and about what?"

Each part is asked about as soon as it is encoded. To join the answers, or to go on after an interruption, see
chapters.py.
"""

import sys

from langchain_core.messages import HumanMessage

from langchain_dmx_omni import ChatDMXOmni, video

path = sys.argv[1] if len(sys.argv) > 1 else "clip.mp4"
question = sys.argv[2] if len(sys.argv) > 2 else "What happens here?"

llm = ChatDMXOmni()
for segment in video.split(path, window=300, overlap=5):
    message = HumanMessage([segment.block(), {"type": "text", "text": question}])
    print(f"{segment.start:.0f} to {segment.end:.0f} s: {llm.invoke([message]).text}")
