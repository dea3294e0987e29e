"""One case in a process of its own: `python -m benchmarks.child SERVER CASE [ARGUMENT …]` prints figures as JSON."""

from __future__ import annotations

import json
import sys
import warnings

from .cases import CASES

if __name__ == "__main__":
    warnings.simplefilter("ignore")  # a peer's deprecations, LangChain's betas
    _, server, case, *arguments = sys.argv
    figures = CASES[case](server, *(int(each) if each.isdigit() else each for each in arguments))
    sys.stdout.write(json.dumps(figures))
