"""An assistant to talk to: it hears a question, looks at a video, and answers out loud.

    python examples/assistant.py talk.wav clip.mp4

Each question goes out with what was said before, and with the sound and pictures of the last turn only.
"""

import sys

from langchain_dmx_omni import ChatDMXOmni, media
from langchain_dmx_omni.jobs import Assistant

sound = sys.argv[1] if len(sys.argv) > 1 else "talk.wav"
film = sys.argv[2] if len(sys.argv) > 2 else "clip.mp4"

assistant = Assistant(ChatDMXOmni(voice="Tina"), instructions="You are a friendly guide. Answer in two sentences.")

for question in ([media.audio(sound)], [media.video(film), "What do you see in it?"], ["And what did you hear?"]):
    reply = assistant.ask(*question)
    for chunk in reply:
        print(chunk.text, end="", flush=True)
    print(f"\n({reply.speech.duration:.1f} s of speech)")

reply.speech.save("answer.wav")
print(f"{len(assistant.history)} messages are remembered, {len(str(assistant.history)):,} characters")
