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

from langchain_core.language_models import BaseChatModel

from langchain_dmx_omni import ChatDMXOmni, _fields


def options() -> list[str]:
    """Names of the options, in the order of the fields; LangChain's own are not among them."""
    return [name for name in ChatDMXOmni.model_fields if name not in {*BaseChatModel.model_fields, "streaming"}]


def sentences() -> dict[str, str]:
    """The first sentence of each field's docstring."""
    (fields,) = [
        node
        for node in ast.parse(inspect.getsource(_fields)).body
        if isinstance(node, ast.ClassDef) and node.name == "Fields"
    ]
    said = {}
    for field, text in zip(fields.body, fields.body[1:], strict=False):
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
