"""What has been answered already, as small files, so that a job that was interrupted goes on where it was.

A folder a job: its name is made of the recording's bytes, the task, the model and the windows, so that nothing is
taken for something else when one of them changes. A file appears whole or not at all.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Store:
    """The answers of one job.

    Args:
        root: The folder for all jobs; made when something is written.
        about: What the job is of: anything that JSON can say. It names the folder, and is kept in it for people.
    """

    def __init__(self, root: Path, about: Mapping[str, Any]) -> None:
        self._about = json.dumps(about, indent=1, ensure_ascii=False, sort_keys=True)
        name = re.sub(r"[^\w-]+", "-", about["task"]["name"])[:40]
        self.folder = root / f"{name}-{digest(self._about)}"

    def load(self, name: str, schema: type[AnswerT]) -> AnswerT | None:
        """Return an answer that was kept, or None; one that can't be read counts as none."""
        try:
            return schema.model_validate(json.loads((self.folder / f"{name}.json").read_text("utf-8")))
        except (OSError, ValueError, ValidationError):
            return None

    def save(self, name: str, answer: BaseModel) -> None:
        """Keep an answer.

        Raises:
            OSError: The folder can't be written.
        """
        if not (self.folder / "job.json").exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is said in a meeting is not for all
            self._write("job", self._about)
        # Not pydantic's own JSON, which has no word for a number that is none.
        self._write(name, json.dumps(answer.model_dump(mode="json", by_alias=True), indent=1, ensure_ascii=False))

    def clear(self) -> None:
        """Forget the job."""
        with contextlib.suppress(FileNotFoundError):
            for file in self.folder.iterdir():
                file.unlink(missing_ok=True)
            self.folder.rmdir()

    def _write(self, name: str, text: str) -> None:
        number, path = tempfile.mkstemp(".part", name, self.folder)
        try:
            with open(number, "wb") as file:  # noqa: PTH123  # a descriptor
                file.write(text.encode("utf-8", "backslashreplace"))
            os.replace(path, self.folder / f"{name}.json")  # noqa: PTH105
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise


def digest(text: str) -> str:
    """Return a short name for a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
