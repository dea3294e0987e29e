"""The site's pages that stand elsewhere in the repository, and links that work in both places.

On a code host a page links to `../README.md` and `../examples/agent.py`; on the site the README is the front page, and
the examples lie beside the pages.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
ELSEWHERE = {
    "README.md": "index.md",
    "README.zh-CN.md": "zh/index.md",
    **{name: name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")},
}
LINK = re.compile(r"(?<=\]\()(?!\w+:|#)(?P<path>[^)#\s]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and the files from elsewhere."""
    for source, target in ELSEWHERE.items():
        files.append(File.generated(config, target, content=_linked((ROOT / source).read_text("utf-8"), source)))
    for path in [*ROOT.glob("examples/**/*"), ROOT / "LICENSE", ROOT / "llms.txt"]:
        if path.is_file() and "__pycache__" not in path.parts:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), content=path.read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let the links of a page of `docs` lead to where things are on the site."""
    source = page.file.src_uri
    return markdown if source in ELSEWHERE.values() else _linked(markdown, f"docs/{source}")


def _linked(text: str, source: str) -> str:
    def link(match: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), match["path"]))
        return posixpath.relpath(_on_site(path), posixpath.dirname(_on_site(source)) or ".") + (match["anchor"] or "")

    return LINK.sub(link, text)


def _on_site(path: str) -> str:
    return ELSEWHERE.get(path) or path.removeprefix("docs/")
