"""A LangGraph graph with a video in its state, streamed as it answers, spoken at the end.

The state holds a reference to the file, not its bytes: a checkpoint stays small however long the video is.
"""

import sys
from pathlib import Path

from langchain_core.messages import AIMessageChunk, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from langchain_dmx_omni import ChatDMXOmni, Speech, media

path = Path(sys.argv[1] if len(sys.argv) > 1 else "clip.mp4").resolve()
llm = ChatDMXOmni(voice="Tina", media_roots=[path.parent])


def watch(state: MessagesState) -> MessagesState:
    """Answer about the video, out loud."""
    return {"messages": [llm.invoke(state["messages"])]}


graph = StateGraph(MessagesState)
graph.add_node("watch", watch)
graph.add_edge(START, "watch")
app = graph.compile(checkpointer=InMemorySaver())

question = HumanMessage([media.video(path, inline=False), {"type": "text", "text": "What happens here?"}])
chunks = []
for chunk, _ in app.stream({"messages": [question]}, {"configurable": {"thread_id": "1"}}, stream_mode="messages"):
    if isinstance(chunk, AIMessageChunk):
        print(chunk.text, end="", flush=True)
        chunks.append(chunk)
print()
print(Speech.from_chunks(chunks).save("answer.wav"))
