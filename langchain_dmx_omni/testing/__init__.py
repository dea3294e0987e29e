"""The service on loopback, and scripts for everything it may send: for demos, tests and continuous integration.

Needs the extra ``local``; the scripts alone need nothing.
"""

from langchain_dmx_omni.testing import scripts
from langchain_dmx_omni.testing._record import RecordedRequest
from langchain_dmx_omni.testing._script import Script
from langchain_dmx_omni.testing.gateway import LocalGateway

__all__ = ["LocalGateway", "RecordedRequest", "Script", "scripts"]
