"""A human decides before a tool runs: the agent stops, and goes on with the decision."""

from langchain.agents import create_agent
from langchain.agents.middleware import HumanInTheLoopMiddleware
from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from langchain_dmx_omni import ChatDMXOmni


@tool
def delete_video(name: str) -> str:
    """Delete a video from the archive."""
    return f"{name} is deleted"


agent = create_agent(
    ChatDMXOmni(),
    tools=[delete_video],
    middleware=[HumanInTheLoopMiddleware(interrupt_on={"delete_video": True})],
    checkpointer=InMemorySaver(),
)
config: RunnableConfig = {"configurable": {"thread_id": "archive"}}

asked = agent.invoke({"messages": [HumanMessage('Delete video "holiday.mp4".')]}, config)
(interrupt,) = asked["__interrupt__"]
(request,) = interrupt.value["action_requests"]
print(f"The agent wants {request['name']}({request['args']})")

done = agent.invoke(Command(resume={"decisions": [{"type": "approve"}]}), config)
print(done["messages"][-1].text)
