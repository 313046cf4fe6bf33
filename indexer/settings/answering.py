"""How the worker answers: its port, who is let in, and what an answer may cost."""

from indexer.query.limits import AnswerLimits
from indexer.settings.kinds import (
    CONSENT,
    NAMES,
    ORIGINS,
    SECRET,
    SWITCH,
    TEXT,
    byte_size,
    seconds,
    whole_number,
)
from indexer.settings.setting import Setting, SettingsPart
from indexer.settings.values import parse_bytes


class AnsweringSettings(SettingsPart):
    """Of dashboards and of every answer."""

    http_listen = Setting(
        "INDEXER_HTTP_LISTEN",
        "127.0.0.1:8321",
        TEXT,
        "Where the worker serves dashboards over HTTP, host:port; port 0: any free one, shown in "
        "its log; empty: off.",
    )
    http_token = Setting(
        "INDEXER_HTTP_TOKEN",
        "",
        SECRET,
        "If set, dashboards must send it as `Authorization: Bearer`; required where other machines "
        "can reach INDEXER_HTTP_LISTEN.",
    )
    http_allow_open = Setting(
        "INDEXER_HTTP_ALLOW_OPEN",
        "",
        CONSENT,
        "yes-without-a-token: anybody who can reach INDEXER_HTTP_LISTEN may read every span.",
    )
    http_allowed_hosts = Setting(
        "INDEXER_ALLOWED_HOSTS",
        "",
        NAMES,
        "Names that dashboards may use in `Host`, comma-separated, besides IP addresses and local "
        "names; empty: any name with a token, no other without.",
    )
    http_allowed_origins = Setting(
        "INDEXER_ALLOWED_ORIGINS",
        "",
        ORIGINS,
        "Origins of pages on other sites that may use the dashboards' routes (CORS), "
        "comma-separated, or *.",
    )
    http_connections = Setting(
        "INDEXER_HTTP_CONNECTIONS",
        256,
        whole_number(8, 65_536),
        "Connections of dashboards at once; above it, the one idle for longest is closed.",
    )
    junjo_dialect = Setting(
        "INDEXER_JUNJO_DIALECT",
        "",
        TEXT,
        "The release of Junjo's front end whose paths under /api/v1 need no prefix: 0.70, 0.80 or "
        "0.82; empty: the newest. Each release's are under /junjo/RELEASE as well.",
    )
    junjo_sign_in = Setting(
        "INDEXER_JUNJO_SIGN_IN",
        False,
        SWITCH,
        "Answer what Junjo's front ends ask before any page, so that one can be put directly on "
        "the worker: they sign in with INDEXER_HTTP_TOKEN as password.",
    )
    questions = Setting(
        "INDEXER_QUESTIONS",
        4,
        whole_number(1, 64),
        "Queries that run at once; more would slow each other and the writer.",
    )
    answer_files_max = Setting(
        "INDEXER_ANSWER_FILES_MAX",
        2000,
        whole_number(1, 1_000_000),
        "Files that one answer may read, about 5 ms each.",
    )
    answer_bytes_max = Setting(
        "INDEXER_ANSWER_BYTES_MAX",
        "128MiB",
        byte_size("1MiB"),
        "Payload of one answer, as text; it takes four times as much memory.",
    )
    answer_spans_max = Setting(
        "INDEXER_ANSWER_SPANS_MAX",
        200_000,
        whole_number(1, 10_000_000),
        "Spans of one trace in an answer; a larger trace is cut to its first spans, and the answer "
        "says so.",
    )
    search_files_max = Setting(
        "INDEXER_SEARCH_FILES_MAX",
        10_000,
        whole_number(1, 10_000_000),
        "Files that one page of a search by attribute or text reads to find its spans; the next "
        "page goes on from there.",
    )
    search_bytes_max = Setting(
        "INDEXER_SEARCH_BYTES_MAX",
        "16GiB",
        byte_size("1MiB"),
        "Bytes, as they lie in the files, that such a page reads.",
    )
    search_seconds = Setting(
        "INDEXER_SEARCH_SECONDS",
        10,
        seconds(0.001, 3600),
        "Seconds that such a page looks for its spans.",
    )
    answers_bytes_max = Setting(
        "INDEXER_ANSWERS_BYTES_MAX",
        "192MiB",
        byte_size("1MiB"),
        "Payload of all answers in progress; above it, clients are asked to retry later.",
    )
    span_cache_bytes = Setting(
        "INDEXER_SPAN_CACHE_BYTES",
        "64MiB",
        byte_size("0B"),
        "Cache of encoded spans, for dashboards that refresh.",
    )
    row_cache_bytes = Setting(
        "INDEXER_ROW_CACHE_BYTES",
        "64MiB",
        byte_size("0B"),
        "Rows of the index of files that are asked for traces or lists again and again: some 50 "
        "bytes a span. 0 keeps none.",
    )
    search_cache_bytes = Setting(
        "INDEXER_SEARCH_CACHE_BYTES",
        "8MiB",
        byte_size("0B"),
        "What searches have learnt of files that have no row for a condition, so that the next "
        "search does not open them.",
    )
    search_summaries_bytes = Setting(
        "INDEXER_SEARCH_SUMMARIES_BYTES",
        "64MiB",
        byte_size("0B"),
        "What searches have learnt of attributes of files, in the catalog: which files have a key, "
        "and a filter of its values; the oldest go. 0 keeps none.",
    )
    page_cache_bytes = Setting(
        "INDEXER_PAGE_CACHE_BYTES",
        "32MiB",
        byte_size("0B"),
        "Cache of page locations in files that were read recently.",
    )
    hot_bytes_max = Setting(
        "INDEXER_HOT_BYTES_MAX",
        "256MiB",
        byte_size("1MiB"),
        "Hot spans that the worker holds; above it, answers say what they lack.",
    )
    backlog_files_max = Setting(
        "INDEXER_READY_BACKLOG",
        1000,
        whole_number(1, 100_000_000),
        "Files that may be waiting to be indexed while /readyz still says ready.",
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
