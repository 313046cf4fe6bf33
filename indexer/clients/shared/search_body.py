"""A search for spans as JSON: the words of a URL, joined by and, or and not."""

from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from indexer.clients.shared.attribute_words import SYNTAX, attribute_condition
from indexer.clients.shared.known_parameters import NAME_CHARS_MAX
from indexer.clients.shared.search_words import AttributeText, PageWords, SpanWords, TracePageWords
from indexer.clients.shared.time_texts import QuestionTimes
from indexer.errors import QueryRefused
from indexer.query.find.condition_tree import (
    CONDITIONS_MAX,
    DEPTH_MAX,
    AllOf,
    AnyOf,
    Condition,
    IsRoot,
    NotMet,
    ServiceIs,
)
from indexer.query.find.payload_conditions import (
    KEY_CHARS_MAX,
    VALUE_CHARS_MAX,
    AttributeCondition,
    Operator,
    Owner,
)
from indexer.query.find.span_conditions import ANY_SPAN
from indexer.query.find.span_query import SpanQuery


class _Object(BaseModel):
    """A JSON object. A field that it does not have is refused with the nearest that it has."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        known = {field.alias or name for name, field in cls.model_fields.items()}
        for name in sorted(given.keys() - known) if isinstance(given, dict) else ():
            near = get_close_matches(name[:NAME_CHARS_MAX], known, 1)
            advice = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
            field = repr(name[:NAME_CHARS_MAX])
            said = {"field": field, "advice": advice}
            raise PydanticCustomError("unknown_field", "unknown field {field}; {advice}", said)
        return given


_ValueText = Annotated[StrictStr, Field(max_length=VALUE_CHARS_MAX)]


class AttributeWords(_Object):
    """A condition on an attribute, with a value of its type; without operator: it is there."""

    scope: Owner = "span"
    key: str = Field(max_length=KEY_CHARS_MAX)
    operator: Operator | None = None
    value: StrictBool | StrictInt | StrictFloat | _ValueText | None = None

    def condition(self) -> AttributeCondition:
        """Raises QueryRefused for a value that the operator does not take."""
        operator: Operator = "exists" if self.value is None else "="
        return AttributeCondition(
            owner=self.scope, key=self.key, operator=self.operator or operator, value=self.value
        )


def _listed(given: Any) -> Any:
    """One condition alone stands for a list of it, as one ``attr`` does in a URL."""
    return [given] if isinstance(given, str | dict) else given


class ConditionWords(SpanWords, _Object):
    """What a span has to be: every word holds, and so does what is joined."""

    attr: Annotated[list[AttributeText | AttributeWords], BeforeValidator(_listed)] = Field(
        [],
        max_length=CONDITIONS_MAX,
        description="Each holds; one alone needs no list. As text: " + SYNTAX,
    )
    all_of: "_Joined" = Field(None, alias="and", description="Each holds.")
    any_of: "_Joined" = Field(None, alias="or", description="One of them holds.")
    is_not: "ConditionWords | None" = Field(None, alias="not", description="It does not hold.")

    def joined(self, times: QuestionTimes, depth: int = 1) -> list[Condition]:
        """What payload tells, and what is joined. Raises QueryRefused, for too deep ones too."""
        if depth > DEPTH_MAX:
            raise QueryRefused(
                f"more than {DEPTH_MAX} conditions are inside each other",
                hint="Join more of them in one list.",
            )
        found = self.payload_conditions()
        found += [
            attribute_condition(one) if isinstance(one, str) else one.condition()
            for one in self.attr
        ]
        if self.all_of is not None:
            found.append(AllOf(tuple(one.condition(times, depth + 1) for one in self.all_of)))
        if self.any_of is not None:
            found.append(AnyOf(tuple(one.condition(times, depth + 1) for one in self.any_of)))
        if self.is_not is not None:
            found.append(NotMet(self.is_not.condition(times, depth + 1)))
        return found

    def condition(self, times: QuestionTimes, depth: int) -> Condition:
        """All that it says. Raises QueryRefused."""
        found: list[Condition] = []
        if self.service is not None:
            found.append(ServiceIs(self.service))
        if self.roots:
            found.append(IsRoot())
        if self.span_conditions != ANY_SPAN:
            found.append(self.span_conditions)
        window = times.window(self.since, self.until)
        found += [] if window.is_open else [window]
        found += self.joined(times, depth)
        return found[0] if len(found) == 1 else AllOf(tuple(found))


_JOINED_MAX = CONDITIONS_MAX - 1
"""What joins them is a condition as well."""
_Joined = Annotated[list[ConditionWords] | None, Field(min_length=1, max_length=_JOINED_MAX)]
ConditionWords.model_rebuild()


class SearchBody(ConditionWords, PageWords):
    """A search as JSON."""

    def query(self) -> SpanQuery:
        """Raises QueryRefused like ``SearchWords.query``."""
        times = self.times
        return self.page_of(self, self.joined(times), times)


class TraceSearchBody(TracePageWords, SearchBody):
    """A search for traces as JSON."""
