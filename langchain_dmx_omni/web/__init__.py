"""One page in a browser: drop a video, ask, read and hear the answer.

Needs the extra `web`. `dmx-omni web` opens it; `WebPage` serves it from a program.
"""

from __future__ import annotations

try:
    from langchain_dmx_omni import jobs as _jobs  # noqa: F401  # and with it PyAV

    from ._server import WebPage
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "uvicorn":
        raise
    raise ImportError('langchain_dmx_omni.web needs: pip install "langchain-dmx-omni[web]"') from None
except ImportError as error:
    if "pip install" not in str(error):
        raise
    raise ImportError('langchain_dmx_omni.web needs: pip install "langchain-dmx-omni[web]"') from None

__all__ = ["WebPage"]


def __dir__() -> list[str]:
    return __all__
