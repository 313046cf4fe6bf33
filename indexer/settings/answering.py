"""How the worker answers: its port, who is let in, and what an answer may cost."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, SecretStr

from indexer.query.limits import AnswerLimits
from indexer.settings.values import byte_size, name_list, origin_list, parse_bytes


class AnsweringSettings(BaseModel):
    """Of dashboards and of every answer."""

    http_listen: str = Field(
        "127.0.0.1:8321",
        validation_alias="INDEXER_HTTP_LISTEN",
        description="Where dashboards ask the worker over HTTP, host:port; port 0: any free one, "
        "as its log says; empty: off.",
    )
    http_token: SecretStr = Field(
        SecretStr(""),
        validation_alias="INDEXER_HTTP_TOKEN",
        description="Asked of dashboards as `Authorization: Bearer`, if set; needed where other "
        "machines can reach INDEXER_HTTP_LISTEN.",
    )
    http_allow_open: Literal["", "yes-without-a-token"] = Field(
        "",
        validation_alias="INDEXER_HTTP_ALLOW_OPEN",
        description="yes-without-a-token: whoever reaches INDEXER_HTTP_LISTEN may read every span.",
    )
    http_allowed_hosts: Annotated[str, AfterValidator(name_list)] = Field(
        "",
        validation_alias="INDEXER_ALLOWED_HOSTS",
        description="Names in `Host` that dashboards may use, comma-separated, besides addresses "
        "and local names; empty: any with a token, none without.",
    )
    http_allowed_origins: Annotated[str, AfterValidator(origin_list)] = Field(
        "",
        validation_alias="INDEXER_ALLOWED_ORIGINS",
        description="Origins of pages elsewhere that may ask dashboards' routes (CORS), "
        "comma-separated, or *.",
    )
    http_connections: int = Field(
        256,
        ge=8,
        le=65_536,
        validation_alias="INDEXER_HTTP_CONNECTIONS",
        description="Connections of dashboards at once; the longest idle gives way.",
    )
    questions: int = Field(
        4,
        ge=1,
        le=64,
        validation_alias="INDEXER_QUESTIONS",
        description="Answers that are made at once; more wait for each other and for the writer.",
    )
    answer_files_max: int = Field(
        2000,
        ge=1,
        le=1_000_000,
        validation_alias="INDEXER_ANSWER_FILES_MAX",
        description="Files that are read for one answer, 5 ms each.",
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
        description="Spans of one trace in an answer; a larger one is answered in part, first "
        "spans first, and says so.",
    )
    answers_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "192MiB",
        validation_alias="INDEXER_ANSWERS_BYTES_MAX",
        description="Payload of all answers that are being made; beyond, clients are asked to "
        "come back.",
    )
    span_cache_bytes: Annotated[str, byte_size("0B")] = Field(
        "64MiB",
        validation_alias="INDEXER_SPAN_CACHE_BYTES",
        description="Encoded spans that are kept for the next refresh.",
    )
    page_cache_bytes: Annotated[str, byte_size("0B")] = Field(
        "32MiB",
        validation_alias="INDEXER_PAGE_CACHE_BYTES",
        description="Where pages lie in the files that were asked last.",
    )
    hot_bytes_max: Annotated[str, byte_size("1MiB")] = Field(
        "256MiB",
        validation_alias="INDEXER_HOT_BYTES_MAX",
        description="Hot spans that the worker holds; with more, answers say what they lack.",
    )
    backlog_files_max: int = Field(
        1000,
        ge=1,
        le=100_000_000,
        validation_alias="INDEXER_READY_BACKLOG",
        description="Files that may wait to be indexed while /readyz says that the worker is "
        "ready.",
    )

    @property
    def answer_limits(self) -> AnswerLimits:
        """What one answer may cost."""
        return AnswerLimits(
            files=self.answer_files_max,
            payload_bytes=parse_bytes(self.answer_bytes_max),
            trace_spans=self.answer_spans_max,
        )
