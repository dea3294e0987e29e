"""A voice agent: it hears a question, uses a tool, and answers out loud.

A turn that calls a tool is silent; the answer after it is spoken.
"""

import sys

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool

from langchain_dmx_omni import ChatDMXOmni, Speech, media


@tool
def opening_hours(day: str) -> str:
    """Say when the shop is open on a day."""
    return f"On {day} the shop is open from 9 to 17."


path = sys.argv[1] if len(sys.argv) > 1 else "talk.wav"
agent = create_agent(
    ChatDMXOmni(voice="Tina"),
    tools=[opening_hours],
    system_prompt="You answer the phone of a shop. Use the tool opening_hours.",
)
heard = HumanMessage([media.audio(path), {"type": "text", "text": 'What are the opening hours on "Friday"?'}])
answer = agent.invoke({"messages": [heard]})["messages"][-1]

print(answer.text)
speech = Speech.from_message(answer)
speech.save("answer.wav")
print(f"answer.wav: {speech.duration:.1f} s")
