"""What all parts of the evidence are made of: issues, integrity, payloads, ends. Pure.

Field names are the keys of the JSON that Junjo's front end takes, so that ``as_body`` needs no
table of names.
"""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal

from indexer.deferred_dataclass import dataclass

ISSUES_MAX = 100
"""Of one executable or store: whoever reads more looks at the spans themselves."""


@dataclass(frozen=True, slots=True)
class Issue:
    """Something that is not as the contract has it: which, where, and in words."""

    code: str
    path: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LossCounts:
    """What the SDK that sent the spans said that it dropped."""

    resource_dropped_attributes: int = 0
    span_dropped_attributes: int = 0
    span_dropped_events: int = 0
    span_dropped_links: int = 0
    event_dropped_attributes: int = 0


NO_LOSS = LossCounts()


@dataclass(frozen=True, slots=True)
class Integrity:
    """Partial exactly where there is an issue or a loss."""

    status: Literal["complete", "partial"]
    diagnostics: tuple[Issue, ...]
    loss_counts: LossCounts

    @classmethod
    def of(cls, issues: Sequence[Issue], losses: LossCounts) -> "Integrity":
        """With the first issues; how many more there are is the last."""
        is_complete = not issues and losses == NO_LOSS
        return cls("complete" if is_complete else "partial", _bounded(issues), losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A value that was recorded as a policy of the application's wanted it."""

    mode: Literal["full", "redacted", "excluded", "reference", "missing"]
    policy: str | None = None
    value: Any = None
    reference: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A value that was offered and not validated, or why there is none."""

    available: bool
    payload: Payload | None = None
    unavailable_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception that ended something."""

    type: str
    message: str | None
    stacktrace: str | None


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Why something was cancelled."""

    reason: str


def as_body(value: Any) -> Any:
    """Values as JSON has them: dataclasses as objects, tuples as arrays.

    A dictionary or a list is JSON already, and left alone.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_body(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, tuple):
        return [as_body(one) for one in value]
    return value


def _bounded(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    if len(issues) <= ISSUES_MAX:
        return tuple(issues)
    omitted = len(issues) - ISSUES_MAX + 1
    last = Issue("issues_omitted", "diagnostics", f"{omitted} more issues are left out")
    return (*issues[: ISSUES_MAX - 1], last)
