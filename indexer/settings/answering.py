"""How the worker answers: its port, who is let in, and what an answer may cost."""

from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from indexer.query.limits import AnswerLimits
from indexer.settings.part import SettingsPart
from indexer.settings.values import (
    Consent,
    Seconds,
    byte_size,
    name_list,
    origin_list,
    parse_bytes,
)


class AnsweringSettings(SettingsPart):
    """Of dashboards and of every answer."""

    http_listen: str = Field(
        "127.0.0.1:8321",
        validation_alias="INDEXER_HTTP_LISTEN",
        description="Where the worker serves dashboards over HTTP, host:port; port 0: any free "
        "one, shown in its log; empty: off.",
    )
    http_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="INDEXER_HTTP_TOKEN",
        description="If set, dashboards must send it as `Authorization: Bearer`; required where "
        "other machines can reach INDEXER_HTTP_LISTEN.",
    )
    http_allow_open: Consent = Field(
        "",
        validation_alias="INDEXER_HTTP_ALLOW_OPEN",
        description="yes-without-a-token: anybody who can reach INDEXER_HTTP_LISTEN may read every "
        "span.",
    )
    http_allowed_hosts: Annotated[str, AfterValidator(name_list)] = Field(
        "",
        validation_alias="INDEXER_ALLOWED_HOSTS",
        description="Names that dashboards may use in `Host`, comma-separated, besides IP "
        "addresses and local names; empty: any name with a token, no other without.",
    )
    http_allowed_origins: Annotated[str, AfterValidator(origin_list)] = Field(
        "",
        validation_alias="INDEXER_ALLOWED_ORIGINS",
        description="Origins of pages on other sites that may use the dashboards' routes (CORS), "
        "comma-separated, or *.",
    )
    http_connections: int = Field(
        256,
        ge=8,
        le=65_536,
        validation_alias="INDEXER_HTTP_CONNECTIONS",
        description="Connections of dashboards at once; above it, the one idle for longest is "
        "closed.",
    )
    junjo_dialect: str = Field(
        "",
        validation_alias="INDEXER_JUNJO_DIALECT",
        description="The release of Junjo's front end whose paths under /api/v1 need no prefix: "
        "0.70, 0.80 or 0.82; empty: the newest. Each release's are under /junjo/RELEASE as well.",
    )
    junjo_sign_in: bool = Field(
        False,
        validation_alias="INDEXER_JUNJO_SIGN_IN",
        description="Answer what Junjo's front ends ask before any page, so that one can be put "
        "directly on the worker: they sign in with INDEXER_HTTP_TOKEN as password.",
    )
    questions: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias="INDEXER_QUESTIONS",
        description="Queries that run at once; more would slow each other and the writer.",
    )
    answer_files_max: int = Field(
        2000,
        ge=1,
        le=1_000_000,
        validation_alias="INDEXER_ANSWER_FILES_MAX",
        description="Files that one answer may read, about 5 ms each.",
    )
    answer_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "128MiB",
        validation_alias="INDEXER_ANSWER_BYTES_MAX",
        description="Payload of one answer, as text; it takes four times as much memory.",
    )
    answer_spans_max: int = Field(
        200_000,
        ge=1,
        le=10_000_000,
        validation_alias="INDEXER_ANSWER_SPANS_MAX",
        description="Spans of one trace in an answer; a larger trace is cut to its first spans, "
        "and the answer says so.",
    )
    search_files_max: int = Field(
        10_000,
        ge=1,
        le=10_000_000,
        validation_alias="INDEXER_SEARCH_FILES_MAX",
        description="Files that one page of a search by attribute or text reads to find its spans; "
        "the next page goes on from there.",
    )
    search_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "16GiB",
        validation_alias="INDEXER_SEARCH_BYTES_MAX",
        description="Bytes, as they lie in the files, that such a page reads.",
    )
    search_seconds: Seconds = Field(
        10,
        gt=0,
        le=3600,
        validation_alias="INDEXER_SEARCH_SECONDS",
        description="Seconds that such a page looks for its spans.",
    )
    answers_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "192MiB",
        validation_alias="INDEXER_ANSWERS_BYTES_MAX",
        description="Payload of all answers in progress; above it, clients are asked to retry "
        "later.",
    )
    span_cache_bytes: Annotated[str, byte_size("0B")] = Field(
        "64MiB",
        validation_alias="INDEXER_SPAN_CACHE_BYTES",
        description="Cache of encoded spans, for dashboards that refresh.",
    )
    search_cache_bytes: Annotated[str, byte_size("0B")] = Field(
        "8MiB",
        validation_alias="INDEXER_SEARCH_CACHE_BYTES",
        description="What searches have learnt of files that have no row for a condition, so that "
        "the next search does not open them.",
    )
    search_summaries_bytes: Annotated[str, byte_size("0B")] = Field(
        "64MiB",
        validation_alias="INDEXER_SEARCH_SUMMARIES_BYTES",
        description="What searches have learnt of attributes of files, in the catalog: which files "
        "have a key, and a filter of its values; the oldest go. 0 keeps none.",
    )
    page_cache_bytes: Annotated[str, byte_size("0B")] = Field(
        "32MiB",
        validation_alias="INDEXER_PAGE_CACHE_BYTES",
        description="Cache of page locations in files that were read recently.",
    )
    hot_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "256MiB",
        validation_alias="INDEXER_HOT_BYTES_MAX",
        description="Hot spans that the worker holds; above it, answers say what they lack.",
    )
    backlog_files_max: int = Field(
        1000,
        ge=1,
        le=100_000_000,
        validation_alias="INDEXER_READY_BACKLOG",
        description="Files that may be waiting to be indexed while /readyz still says ready.",
    )

    @property
    def answer_limits(self) -> AnswerLimits:
        """What one answer may cost."""
        return AnswerLimits(
            files=self.answer_files_max,
            payload_bytes=parse_bytes(self.answer_bytes_max),
            trace_spans=self.answer_spans_max,
            search_files=self.search_files_max,
            search_bytes=parse_bytes(self.search_bytes_max),
            search_s=self.search_seconds,
        )
