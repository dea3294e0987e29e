"""What has been answered already, as small files, so that a job that was interrupted goes on where it was.

A folder a job: its name is made of the recording's bytes, the task, the model and the windows, so that nothing is
taken for something else when one of them changes. A file appears whole or not at all. One process at a time works on a
job; another one waits for it.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from langchain_dmx_omni.errors import StorageError

from ._claims import Claim
from ._files import PART, storing, write_whole
from ._tasks.digest import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_LEAST_FREE = 1 << 20
"""Bytes that must be free before anything is asked: answers are small, and are paid for."""
_REMEDY = "free some space, or make the folder writable, or give another one: folder="


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

    def prepare(self) -> None:
        """Make sure that answers can be kept, before they are paid for.

        Raises:
            StorageError: The folder can't be written, or its disk is full.
        """
        with storing("keep answers", self.folder, _REMEDY):
            self._open_folder()
            self._write("job", self._about)

    def claim(self) -> Claim | None:
        """Return the claim to work on this job, its answers sure to be kept; None while another process has it.

        Raises:
            StorageError: The folder can't be written, or its disk is full.
        """
        with storing("keep answers", self.folder, _REMEDY):
            self._open_folder()
            claim = Claim.take(self.folder / "run.lock")
            if claim is not None:
                # Whoever works without the claim writes nothing, so these are what a killed process left half written.
                for part in self.folder.glob(f"*{PART}"):
                    part.unlink(missing_ok=True)
                try:
                    self._write("job", self._about)
                except BaseException:
                    claim.release()
                    raise
        return claim

    def _open_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is said in a meeting is not for all
        usage = shutil.disk_usage(self.folder)
        if usage.total and usage.free < _LEAST_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def load(self, name: str, schema: type[AnswerT]) -> AnswerT | None:
        """Return an answer that was kept, or None; one that can't be read counts as none."""
        try:
            return schema.model_validate(json.loads((self.folder / f"{name}.json").read_text("utf-8")))
        except (OSError, ValueError, ValidationError, RecursionError):
            return None

    def save(self, name: str, answer: BaseModel) -> None:
        """Keep an answer.

        Raises:
            StorageError: It can't be written; `answers` holds it.
        """
        try:
            with storing("keep an answer", self.folder, _REMEDY):
                # Not pydantic's own JSON, which has no word for a number that is none.
                fields = answer.model_dump(mode="json", by_alias=True)
                self._write(name, json.dumps(fields, indent=1, ensure_ascii=False))
        except StorageError as error:
            error.answers = {name: answer}
            raise

    def clear(self) -> None:
        """Forget the job.

        Raises:
            StorageError: Something can't be deleted.
        """
        remedy = "delete the folder yourself"
        with storing("delete what is kept", self.folder, remedy), contextlib.suppress(FileNotFoundError):
            for file in self.folder.iterdir():
                file.unlink(missing_ok=True)
            self.folder.rmdir()

    def _write(self, name: str, text: str) -> None:
        write_whole(self.folder / f"{name}.json", text, 0o600)
