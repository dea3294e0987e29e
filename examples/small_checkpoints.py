"""Ten turns with video in and speech out: how large the checkpoint gets, with references and with bytes.

References (`inline=False`) keep the question small; `media.strip` drops the speech of answers from the history,
whose text says the same.
"""

import sys
from pathlib import Path

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

from langchain_dmx_omni import ChatDMXOmni, media

path = Path(sys.argv[1] if len(sys.argv) > 1 else "clip.mp4").resolve()
llm = ChatDMXOmni(voice="Tina", media_roots=[path.parent], max_tokens=30)


def ten_turns(*, inline: bool) -> int:
    """Talk for ten turns and return the bytes of the last checkpoint."""

    def answer(state: MessagesState) -> MessagesState:
        said = llm.invoke(state["messages"])
        # Play or store the speech here; what stays in the state is its text.
        return {"messages": [said] if inline else media.strip([said])}

    saver = InMemorySaver()
    graph = StateGraph(MessagesState)
    graph.add_node("answer", answer)
    graph.add_edge(START, "answer")
    app = graph.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "1"}}
    for turn in range(10):
        question = [media.video(path, inline=inline), {"type": "text", "text": f"Question {turn}: what is this?"}]
        app.invoke({"messages": [HumanMessage(question)]}, config)
    state = app.get_state(config).values
    return len(saver.serde.dumps_typed(state)[1])


references, inline = ten_turns(inline=False), ten_turns(inline=True)
print(f"after ten turns: {references:,} bytes with references, {inline:,} bytes with media inline")
assert references < 100_000
