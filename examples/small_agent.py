"""A voice agent that remembers: ten spoken turns in SQLite, with and without `SmallHistory`.

    python examples/small_agent.py talk.wav

Without it, each checkpoint holds all the speech and all the questions so far, and there are several in a turn.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from langchain.agents import create_agent
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver

from langchain_dmx_omni import ChatDMXOmni, media
from langchain_dmx_omni.middleware import SmallHistory


@tool
def opening_hours(day: str) -> str:
    """Say when the shop is open on a day."""
    return f"On {day} the shop is open from 9 to 17."


path = Path(sys.argv[1] if len(sys.argv) > 1 else "talk.wav").resolve()
llm = ChatDMXOmni(voice="Tina", media_roots=[path.parent])


def size_of(turns: int, folder: Path, *, small: bool) -> int:
    """Talk for some turns, say the last answer's length, and return the bytes of the database."""
    history = SmallHistory(folder / "media")
    database = folder / f"{turns}-{small}.sqlite"
    with closing(sqlite3.connect(database, check_same_thread=False)) as connection:
        agent = create_agent(
            llm,
            tools=[opening_hours],
            middleware=[history] if small else [],
            checkpointer=SqliteSaver(connection),
        )
        for _ in range(turns):
            heard = [media.audio(path, inline=not small), {"type": "text", "text": 'When is it open on "Friday"?'}]
            state = agent.invoke({"messages": [HumanMessage(heard)]}, {"configurable": {"thread_id": "1"}})
    answer = state["messages"][-1]
    print(f"{answer.text} ({history.speech(answer).duration:.1f} s)")
    return database.stat().st_size


with TemporaryDirectory() as temporary:
    sizes = {
        (turns, small): size_of(turns, Path(temporary), small=small)
        for turns, small in ((3, False), (3, True), (10, True))
    }
print(f"three turns: {sizes[3, False]:,} bytes, {sizes[3, True]:,} with SmallHistory; ten: {sizes[10, True]:,}")
assert sizes[3, True] < sizes[3, False] / 100
