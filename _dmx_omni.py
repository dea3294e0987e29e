"""The command `dmx-omni`, from its first moment on.

It stands outside of the package: importing any of that imports all of it, which takes a second in which Ctrl-C would be
a traceback.
"""

import os
import signal
import sys
from typing import Any


def main() -> None:
    """Run the command and leave with its status."""
    signal.signal(signal.SIGINT, _leave)
    from langchain_dmx_omni.cli import main as command  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        status = command()
    except KeyboardInterrupt:
        status = 130
    signal.signal(signal.SIGINT, _leave)
    sys.exit(status)


def _leave(*_: Any) -> None:
    os._exit(130)


if __name__ == "__main__":
    main()
