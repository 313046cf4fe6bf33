"""How much one span may hold: at the doors, and in the answers from files."""

from indexer.deferred_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanLimits:
    """The most one span may hold. Agents write heavy spans, so the limits are generous.

    A door refuses a span beyond them; a span that came in by a file is answered in part, and
    what was left out is counted. What they keep out is one small span of a million empty parts
    whose every answer would be near 100 MB.

    Attributes:
        attributes: Attributes of the span; each event and each link has as many of its own.
            128 is the default of SDKs; an agent's span with one attribute a message needs
            thousands.
        events: Events. 128 is the default of SDKs; a streamed completion has one a token.
        links: Links. 128 is the default of SDKs; a batch consumer has one a message.
        values: Elements of arrays and maps in attributes, and at the doors the attributes of
            events and links as well, counted over the whole span. An embedding has up to 4,096,
            so that a span may hold 64 of them; or each of its events has 16 attributes.
        depth: Levels of arrays and maps inside one value. Protobuf's own parsers stop at 100.

    """

    attributes: int = 16_384
    events: int = 16_384
    links: int = 4_096
    values: int = 262_144
    depth: int = 100


SPAN_LIMITS = SpanLimits()
