"""`python -m langchain_dmx_omni.cli`."""

import sys

from . import main

sys.exit(main())
