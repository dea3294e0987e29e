"""Content moderation: what in a recording is against the rules, where, and how bad it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from pydantic import BaseModel, Field, create_model

from .merging import merge
from .result import Missing, Result
from .task import Part, Task
from .timeline import Span

Severity = Literal["low", "medium", "high"]
Verdict = Literal["allow", "review", "block"]

_VERDICTS: Mapping[str, Verdict] = {"low": "allow", "medium": "review", "high": "block"}
_ORDER = tuple(_VERDICTS)

CATEGORIES: Mapping[str, str] = {
    "violence": "people or animals hurt or killed, blood, weapons used",
    "sexual": "nudity or sexual acts, shown or spoken of",
    "hate": "insults or incitement against a group of people",
    "harassment": "threats or insults against a person",
    "self-harm": "suicide or injuring oneself, shown or encouraged",
    "drugs": "illegal drugs, shown, sold or encouraged",
    "crime": "instructions for, or boasting of, other crimes",
    "minors": "children in danger or in an unsuitable setting",
    "privacy": "addresses, phone numbers, documents or other personal data",
}
"""The categories by default, and what falls under each."""


class Finding(Span):
    """Something that is against the rules."""

    category: str = Field(description="The category that it falls under")
    severity: Severity = Field(description="low: mentioned or hinted at; medium: plain; high: graphic or dangerous")
    reason: str = Field(description="What is seen or heard, in one sentence")


class Findings(BaseModel):
    """Everything that is against the rules; often nothing."""

    findings: list[Finding] = Field(description="One entry each time it is seen or heard; empty if there is nothing")


class Moderation(Result):
    """What was found, in order, and what follows from it."""

    verdict: Verdict
    """`"block"` for anything of high severity, `"review"` for anything of medium severity, else `"allow"`.

    What nobody has looked at is not allowed: where windows are missing, it is `"review"` at least.
    """
    findings: list[Finding]

    def with_missing(self, missing: list[Missing]) -> Self:
        """Return the result with what is missing, and the verdict that follows from that."""
        verdict = "review" if missing and self.verdict == "allow" else self.verdict
        return self.model_copy(update={"missing": missing, "verdict": verdict})


@dataclass(frozen=True)
class ModerationTask(Task[Findings, Moderation]):
    """The task with its own schema, which is pickled as what it was made of."""

    categories: Mapping[str, str] = field(default_factory=dict)
    language: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        return _task, (dict(self.categories), self.language)


def moderation(*, categories: Mapping[str, str] | None = None, language: str = "English") -> Task[Findings, Moderation]:
    """Return the task that looks for what is against the rules.

    The verdict is not the model's: it follows from the severities, by the table of `Moderation`.

    Args:
        categories: Name of each category → what falls under it; by default `CATEGORIES`.
        language: What to write the reasons in.
    """
    return _task(categories or CATEGORIES, language)


def _task(categories: Mapping[str, str], language: str) -> ModerationTask:
    rules = "".join(f"\n- {name}: {description}" for name, description in categories.items())
    return ModerationTask(
        name="moderation",
        instructions=(
            "Check this recording, pictures and sound, for what falls under one of these categories, and for nothing "
            f"else:{rules}\nWrite the reasons in {language}."
        ),
        schema=_schema(list(categories)),
        join=_joined,
        categories=categories,
        language=language,
    )


def _schema(categories: list[str]) -> type[Findings]:
    """Return the schema that names the categories: the model is told them, and not refused when it adds one."""
    named = (str, Field(description="The category that it falls under", json_schema_extra={"enum": list(categories)}))
    finding = create_model("Finding", __base__=Finding, category=named)
    description = Findings.model_fields["findings"].description
    return create_model("Findings", __base__=Findings, findings=(list[finding], Field(description=description)))


def _joined(parts: Sequence[Part[Findings]]) -> Moderation:
    # The schema's own class, which names the categories, can't be pickled.
    findings = [(part.window, [Finding(**dict(finding)) for finding in part.answer.findings]) for part in parts]
    merged = merge(findings, _same, combine=_combine, across=True)
    worst = max(("low", *(finding.severity for finding in merged)), key=_ORDER.index)
    return Moderation(verdict=_VERDICTS[worst], findings=merged)


def _same(first: Finding, second: Finding) -> bool:
    return first.category.casefold() == second.category.casefold()


def _combine(first: Finding, second: Finding) -> Finding:
    """Return one finding for the two: what goes on over a window's edge is as bad as its worse half."""
    worse = max(first, second, key=lambda finding: _ORDER.index(finding.severity))
    return worse.model_copy(update={"start": min(first.start, second.start), "end": max(first.end, second.end)})
