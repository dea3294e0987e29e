"""What the model's docstring says of each option: the first sentence that stands under the field.

    python -m tests.option_docs

prints the lines for the docstring of `ChatDMXOmni`, when a field has changed.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from itertools import pairwise

from langchain_core.language_models import BaseChatModel

from langchain_dmx_omni import ChatDMXOmni, _connection, _fields
from langchain_dmx_omni._request.options import NAMES


def options() -> list[str]:
    """Names of the options, those of a call first; LangChain's own are not among them."""
    names = [name for name in ChatDMXOmni.model_fields if name not in {*BaseChatModel.model_fields, "streaming"}]
    return sorted(names, key=lambda name: name not in NAMES)


def sentences() -> dict[str, str]:
    """The first sentence of each field's docstring."""
    classes = [
        node
        for module in (_fields, _connection)
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, ast.ClassDef)
    ]
    said = {}
    for field, text in (pair for each in classes for pair in pairwise(each.body)):
        match field, text:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(docstring))),
            ):
                said[name] = re.split(r"(?<=\.)\s", " ".join(docstring.split()), maxsplit=1)[0]
    return {name: said[name] for name in options()}


def lines() -> str:
    """The lines of the docstring."""
    return "".join(
        textwrap.fill(f"{name}: {sentence}", 120, initial_indent=" " * 8, subsequent_indent=" " * 12) + "\n"
        for name, sentence in sentences().items()
    )


if __name__ == "__main__":
    sys.stdout.write(lines())
