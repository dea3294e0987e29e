"""The service on loopback, and scripts for everything it may send: for demos, tests and continuous integration.

Needs the extra `local`; the scripts alone need nothing.
"""

from . import scripts
from ._record import RecordedRequest
from ._script import Script
from .gateway import LocalGateway

__all__ = ["LocalGateway", "RecordedRequest", "Script", "scripts"]
