"""Ask about a video, read the answer as it comes, and keep it as speech.

From a shell:

    export DMXAPI_API_KEY=sk-…
    python examples/ask_video.py clip.mp4 "What happens here?"
"""

import sys

from langchain_core.messages import AIMessageChunk, HumanMessage

from langchain_dmx_omni import ChatDMXOmni, Speech, media

path = sys.argv[1] if len(sys.argv) > 1 else "clip.mp4"
question = sys.argv[2] if len(sys.argv) > 2 else "What happens here?"

llm = ChatDMXOmni(voice="Tina")
message = HumanMessage([media.video(path), {"type": "text", "text": question}])

chunks: list[AIMessageChunk] = []
for chunk in llm.stream([message]):
    print(chunk.text, end="", flush=True)
    chunks.append(chunk)
print()

speech = Speech.from_chunks(chunks)
speech.save("answer.wav")
print(f"answer.wav: {speech.duration:.1f} s at {speech.sample_rate} Hz")
print(chunks[-1].usage_metadata)
