"""An agent that watches a video with tools at hand, remembers the conversation, and answers in a fixed shape.

Needs `pip install langchain langgraph` besides this package, and the key in DMXAPI_API_KEY.
"""

import sys

from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, Field

from langchain_dmx_omni import ChatDMXOmni, media


@tool
def look_up_person(name: str) -> str:
    """Look up a person in the staff list by name."""
    return {"Ada": "Ada, head of research"}.get(name, f"{name} is not on the staff list")


class Scene(BaseModel):
    """What a video shows."""

    summary: str = Field(description="What happens, in one sentence")
    people: list[str] = Field(description="Names of the people in it")


path = sys.argv[1] if len(sys.argv) > 1 else "clip.mp4"
llm = ChatDMXOmni()
agent = create_agent(
    llm,
    tools=[look_up_person],
    system_prompt="You describe videos for an archive.",
    response_format=Scene,
    # LangGraph wants to be told which classes of ours its checkpoints may hold.
    checkpointer=InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=[Scene])),
    # LangChain's own counter takes base64 for text: a 16 MB video would be 5.6 million tokens.
    middleware=[
        SummarizationMiddleware(llm, trigger=("tokens", 100_000), token_counter=llm.get_num_tokens_from_messages)
    ],
)
config: RunnableConfig = {"configurable": {"thread_id": "archive"}}

question = [media.video(path), {"type": "text", "text": 'Who is this? Look up the person named "Ada".'}]
answer = agent.invoke({"messages": [HumanMessage(question)]}, config)
for message in answer["messages"]:
    print(f"{message.type:>6}: {message.text or [call['name'] for call in getattr(message, 'tool_calls', [])]}")
print(repr(answer["structured_response"]))

again = agent.invoke({"messages": [HumanMessage("What did I ask before?")]}, config)
print(f"{len(again['messages'])} messages are remembered")
