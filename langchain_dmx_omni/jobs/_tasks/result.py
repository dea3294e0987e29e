"""What a job hands out beside its task's own result: the windows without an answer, and what was used. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Self, TypeVar

from langchain_core.messages.ai import UsageMetadata
from pydantic import BaseModel, Field, PlainSerializer, PlainValidator
from pydantic.json_schema import SkipJsonSchema

from langchain_dmx_omni._warnings import warn_user
from langchain_dmx_omni.errors import DMXOmniError

from .timeline import Window


def _read_error(value: Any) -> Exception:
    return value if isinstance(value, Exception) else DMXOmniError(str(value))


def _written_error(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@dataclass(frozen=True)
class Missing:
    """A window that has no answer.

    Attributes:
        window: The part of the recording that the result says nothing about.
        error: Why. In JSON it is its text.
    """

    window: Window
    error: Annotated[Exception, PlainValidator(_read_error), PlainSerializer(_written_error, return_type=str)]


class Result(BaseModel):
    """Base of what jobs hand out.

    The results of your own tasks may derive from it too: then `missing` is a field, which is written with the others.
    """

    missing: SkipJsonSchema[list[Missing]] = Field(default_factory=list)
    """The windows without an answer, in order; only with `Job(on_error="skip")` there may be any."""

    usage: ClassVar[UsageMetadata | None] = None
    """Tokens of all calls that were made for it, second tries and the closing question included. None where the model
    did not say, or none was made, since all answers were kept. It is no field: equal results may have used more or
    less, and JSON holds the result alone."""

    def with_missing(self, missing: list[Missing]) -> Self:
        """Return the result of a job that has no answer for some windows; redefine it where more follows from that."""
        return self.model_copy(update={"missing": missing})


ResultT = TypeVar("ResultT", bound=BaseModel)


def with_missing(result: ResultT, missing: list[Missing]) -> ResultT:
    """Return a result that carries what is missing; one that is no `Result` has it as an attribute, and no field.

    Warns:
        DMXOmniWarning: Something is missing, and the result has another field of that name.
    """
    if isinstance(result, Result):
        return result.with_missing(missing)
    if "missing" in type(result).model_fields:
        if missing:
            parts = ", ".join(f"{each.window.start:.1f}-{each.window.end:.1f} s" for each in missing)
            warn_user(
                f"{type(result).__name__}.missing is a field of its own: nothing else says that {parts} have no answer"
            )
        return result
    return _beside(result, "missing", missing)


def with_usage(result: ResultT, usage: UsageMetadata | None) -> ResultT:
    """Return a result that says what it has used, beside its fields; one with a field of that name stays as it is."""
    return result if "usage" in type(result).model_fields else _beside(result, "usage", usage)


def _beside(result: ResultT, name: str, value: object) -> ResultT:
    """Return a result with an attribute beside its fields, where pydantic leaves room for `cached_property`."""
    result = result.model_copy()
    result.__dict__[name] = value
    return result
