"""One page in a browser: drop a video, ask, read and hear the answer.

Needs the extra `web`. `dmx-omni web` opens it; `WebPage` serves it from a program.
"""

from __future__ import annotations

from langchain_dmx_omni._extras import extra

with extra("web", "langchain_dmx_omni.web", "uvicorn"):
    from langchain_dmx_omni import jobs as _jobs  # noqa: F401  # and with it PyAV

    from ._server import WebPage

__all__ = ["WebPage"]


def __dir__() -> list[str]:
    return __all__
