"""The pages that show the comparison: docs/comparison.md whole, and the table in the READMEs, in either language."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path

OURS, SCRIPT = "ChatDMXOmni", "the vendor's script"
FILE_LIMIT = "a file over the limit"
SOURCED = {
    (FILE_LIMIT, "ChatGoogleGenerativeAI"): "[sent: the limit is 100 MB]"
    "(https://blog.google/innovation-and-ai/technology/developers-tools/gemini-api-new-file-limits)",
}
"""Cells that a request on loopback can't tell, and where it is said."""

CHINESE = {
    SCRIPT: "官方脚本",
    "a local video reaches the service": "本地视频送到服务",
    "speech is in the message": "消息里有语音",
    "an answer that is cut off": "中途断开的回答",
    "a failure in mid-answer": "回答中途出错",
    "silence behind keep-alives": "只有心跳，没有内容",
    "token usage": "token 用量",
    "a wrong key": "密钥错误",
    "a used-up quota": "额度用尽",
    "a saturated service": "服务饱和",
    FILE_LIMIT: "超过大小限制的文件",
    "the key in `repr`": "`repr` 里的密钥",
    "the key in an error": "错误消息里的密钥",
    "yes": "是",
    "no": "否",
    "error; a raw part is dropped": "报错；原始内容块被丢掉",
    "error; a raw part reaches it": "报错；原始内容块能送到",
    "dropped silently": "悄悄丢掉",
    "error": "报错",
    "error, with the part": "报错，附已收到的部分",
    "half, as if whole": "半截，当作完整",
    "error in 1 of 3 forms": "三种形式中一种报错",
    "error at the deadline": "到时限报错",
    "error at any comment": "遇到注释行就报错",
    "waits on": "一直等",
    "error, 1 request": "报错，请求 1 次",
    "error, 1 or 3 requests": "报错，请求 1 或 3 次",
    "error, 3 requests": "报错，请求 3 次",
    "error, 6 requests": "报错，请求 6 次",
    "no error, 1 request": "不报错，请求 1 次",
    "error, nothing sent": "报错，不发送",
    "sent": "照样发送",
    SOURCED[FILE_LIMIT, "ChatGoogleGenerativeAI"]: SOURCED[FILE_LIMIT, "ChatGoogleGenerativeAI"].replace(
        "sent: the limit is 100 MB", "发送：上限 100 MB"
    ),
    "hidden": "不显示",
    "shown": "显示",
    "no error": "不报错",
    "—": "—",
}
"""Each row and each cell."""


@dataclass(frozen=True)
class Results:
    """What was tried."""

    versions: dict[str, str]
    """Of the peers' packages."""
    cells: dict[str, dict[str, str]]
    """By row and peer."""

    @classmethod
    def read(cls, root: Path) -> Results:
        """Return the results that are kept in a clone."""
        return cls(**json.loads(_kept(root).read_text("utf-8")))


def table(results: Results, words: dict[str, str] | None = None) -> str:
    """Return the table as Markdown.

    Args:
        results: What it tells.
        words: Its rows and cells in another language.
    """

    def said(text: str) -> str:
        return words[text] if words else text

    columns = [*next(iter(results.cells.values()))]
    lines = [["", *(said(name) if name == SCRIPT else name for name in columns)], ["---"] * (len(columns) + 1)]
    for row, cells in results.cells.items():
        lines.append([said(row), *(said(SOURCED.get((row, name), cell)) for name, cell in cells.items())])
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def page(results: Results, trials: dict[str, str]) -> str:
    """Return docs/comparison.md.

    Args:
        results: What it tells.
        trials: How each row was tried, in a sentence.
    """
    versions = ", ".join(f"{name} {number}" for name, number in results.versions.items())
    tried = "\n".join(f"| {row} | {sentence} |" for row, sentence in trials.items())
    return _PAGE.format(table=table(results), versions=versions, tried=tried)


def write(results: Results, root: Path, trials: dict[str, str]) -> None:
    """Keep the results in a clone, and put them into its pages."""
    _kept(root).write_text(json.dumps(asdict(results), indent=1) + "\n", "utf-8")
    (root / "docs" / "comparison.md").write_text(page(results, trials), "utf-8")
    for name, words in (("README.md", None), ("README.zh-CN.md", CHINESE)):
        before, after = re.split(
            rf"^\| \| {OURS} .*\n(?:\|.*\n)*", (root / name).read_text("utf-8"), flags=re.MULTILINE
        )
        (root / name).write_text(f"{before}{table(results, words)}\n{after}", "utf-8")


def _kept(root: Path) -> Path:
    return root / "benchmarks" / "comparison.json"


_PAGE = """\
# Comparison

What comes of the same question, asked with this package, with other packages, and with the script of the service's own
pages. No cell is from memory: `make comparison` tries all of it on loopback, and writes this page.

{table}

{versions}.

`ChatDMXOmni`, `ChatOpenAI` (with `use_responses_api=True`) and the script speak DMXAPI's protocol; `ChatQwen` speaks
that of Alibaba's endpoint for the same model, and `ChatGoogleGenerativeAI` Google's, for models of its own. Each was
answered in its own. The script is that of [moving over](moving.md#from-a-script-with-an-http-client).

| what was tried | how |
|---|---|
{tried}

## Where the others are ahead

- They are in use with the services that they are made for. This package has not been run against DMXAPI's yet: what the
  service does is known from its pages and from recorded streams.
- `ChatOpenAI` knows OpenAI's models, and its
  [tools on the server](https://docs.langchain.com/oss/python/integrations/chat/openai): web search, files, code, MCP.
  Here there is web search.
- `ChatGoogleGenerativeAI` takes video and gives sound as well, from
  [models of its own](https://docs.langchain.com/oss/python/integrations/chat/google_generative_ai), and larger files:
  [100 MB inline](https://blog.google/innovation-and-ai/technology/developers-tools/gemini-api-new-file-limits), more by
  upload.
- `ChatQwen` knows [Alibaba's models](https://docs.langchain.com/oss/python/integrations/chat/qwen) and their thinking,
  with Alibaba's keys and no gateway between.
- The script needs nothing but `requests`, and is read in a minute.
"""
