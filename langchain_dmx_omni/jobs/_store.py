"""What has been answered already, as small files, so that a job that was interrupted goes on where it was.

A folder a job: its name is made of the recording's bytes, the task, the model and the windows, so that nothing is
taken for something else when one of them changes. Where the folder is, and how files get there, is its place's affair.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from langchain_dmx_omni.errors import StorageError

from ._tasks.digest import digest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from langchain_dmx_omni._disk.claims import Claim

    from ._places import Place

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Store:
    """The answers of one job.

    Args:
        root: The place for all jobs; made when something is written.
        about: What the job is of: anything that JSON can say. It names the folder, and is kept in it for people.

    Attributes:
        place: The job's own folder.
    """

    def __init__(self, root: Place, about: Mapping[str, Any]) -> None:
        self._about = json.dumps(about, indent=1, ensure_ascii=False, sort_keys=True)
        name = re.sub(r"[^\w-]+", "-", about["task"]["name"])[:40]
        self.place = root / f"{name}-{digest(self._about)}"

    def prepare(self) -> None:
        """Make sure that answers can be kept, before they are paid for.

        Raises:
            StorageError: The folder can't be written, or its disk is full.
        """
        self.place.prepare()
        self._describe()

    def claim(self) -> Claim | None:
        """Return the claim to work on this job, its answers sure to be kept; None while another process has it.

        Raises:
            StorageError: The folder can't be written, or its disk is full.
        """
        claim = self.place.claim()
        if claim is not None:
            try:
                self._describe()
            except BaseException:
                claim.release()
                raise
        return claim

    def load(self, name: str, schema: type[AnswerT]) -> AnswerT | None:
        """Return an answer that was kept, or None; one that can't be read counts as none.

        Raises:
            StorageError: The folder is elsewhere, and can't be reached.
        """
        return self.load_all([name], schema).get(name)

    def load_all(self, names: Collection[str], schema: type[AnswerT]) -> dict[str, AnswerT]:
        """Return the answers that were kept, by name; see `load`."""
        answers = {}
        for file, data in self.place.read([_file(name) for name in names]).items():
            try:
                answers[file.removesuffix(_JSON)] = schema.model_validate(json.loads(data.decode("utf-8")))
            except (ValueError, ValidationError, RecursionError):
                continue
        return answers

    def save(self, name: str, answer: BaseModel) -> None:
        """Keep an answer.

        Raises:
            StorageError: It can't be written; `answers` holds it.
        """
        # Not pydantic's own JSON, which has no word for a number that is none.
        fields = answer.model_dump(mode="json", by_alias=True)
        try:
            self.place.write(_file(name), json.dumps(fields, indent=1, ensure_ascii=False), "keep an answer")
        except StorageError as error:
            error.answers = {name: answer}
            raise

    def clear(self) -> None:
        """Forget the job.

        Raises:
            StorageError: Something can't be deleted.
        """
        self.place.clear()

    def _describe(self) -> None:
        self.place.write(_file("job"), self._about, "keep answers")


_JSON = ".json"


def _file(name: str) -> str:
    return f"{name}{_JSON}"
