"""How fast, and in how much memory: `make bench` measures every goal against a named peer and a floor.

    python -m benchmarks                 every goal, the page and the plot in docs/
    python -m benchmarks --only text     the goals whose name holds a word; writes nothing

A figure is a ratio within one run, so that a slow or a busy machine does not matter: each case runs in a process
of its own (`child.py`), the sides of a goal take turns, and the median of all rounds counts. The server is a third
process that plays bytes made beforehand (`server.py`, `wire.py`).
"""
