"""Every reason why an answer is incomplete, declared once: its code, what it means, what to do.

An answer names the reason with its code, which stays the same; the detail beside it is for people.
"""

from indexer import errors
from indexer.deferred_dataclass import dataclass
from indexer.errors import IndexerError


@dataclass(frozen=True, slots=True)
class Reason:
    """Why spans may be missing. ``action`` is the operator's next step."""

    code: str
    meaning: str
    action: str

    @classmethod
    def of(cls, kind: type[IndexerError]) -> "Reason":
        """The reason that an error is: its name, its first sentence and its hint."""
        meaning = (kind.__doc__ or "").strip().splitlines()[0]
        return cls(kind.__name__, meaning, kind.hint)


HOT_UNAVAILABLE = Reason.of(errors.HotUnavailable)
HOT_INCOMPLETE = Reason(
    "HotIncomplete",
    "The ingestion service answers, and some of its hot spans are not in the answer.",
    "Read the detail: a full buffer asks for a larger INDEXER_HOT_BYTES_MAX or a quicker flush.",
)
HOT_BOUNDED = Reason(
    "HotBounded",
    "The ingestion's list of its latest files may lack some, and no listing has made up for it.",
    "Look at `problems` of `status`; a service that has only `ReadSpans` stays bounded.",
)
HOT_NOT_READ = Reason(
    "HotNotRead",
    "Spans are in no file yet, and tables of the index have the spans of files alone.",
    "Ask the view `otel_spans`, which has hot spans up to 128 MiB, or ask after the flush.",
)
PUBLISHED_NOT_READ = Reason(
    "PublishedNotRead",
    "Some spans that Mastra applications have published were not looked at, or not as a whole.",
    "Read the detail; a trace asked for by its ID, and Mastra's routes, have all that is stored.",
)
FILES_NOT_READ = Reason(
    "FilesNotRead",
    "Views of SQL read the newest files of their window alone.",
    "Narrow it with --since and --until, or raise --max-files.",
)
INDEX_STALLED = Reason(
    "IndexStalled",
    "The worker's index thread has not come round for long: files that landed since are missing.",
    "Read in the detail what it began; start the worker again once that disk or volume answers.",
)
FILES_PENDING = Reason(
    "FilesPending",
    "Files have come, changed, moved or gone, and the index has not followed yet.",
    "Ask again in a moment; see `status` for how far the worker is behind.",
)
FILES_LOST = Reason(
    "FilesLost",
    "Files that were in the index cannot be read as they are now; what they held is missing.",
    "See `quarantine` for the reason and the next step of each.",
)
STORAGE_UNAVAILABLE = Reason.of(errors.StorageUnavailable)
TOO_MANY_RECENT_FILES = Reason(
    "TooManyRecentFiles",
    "More files wait to be indexed than one answer reads.",
    "Ask again once the worker has caught up; see `status` for how far it is behind.",
)
TRACE_TOO_LARGE = Reason(
    "TraceTooLarge",
    "The trace has more spans than one answer gives; these are the first.",
    "Ask for pages with `limit`, for the rest with `since`, or raise INDEXER_ANSWER_SPANS_MAX.",
)
SPAN_TOO_LARGE = Reason(
    "SpanTooLarge",
    "A span holds more than one may and is answered in part; it counts what is left out itself.",
    "See `omitted` of the span; its file has them all, and `sql` reads them.",
)
ATTRIBUTES_PENDING = Reason(
    "AttributesPending",
    "Files are indexed and have not given a promoted attribute that the question rests on yet.",
    "Ask again in a moment; see `files_to_promote` of `status`.",
)
ATTRIBUTES_UNREADABLE = Reason(
    "AttributesUnreadable",
    "Files have attributes that cannot be read, so that a question about them lacks their spans.",
    "Write the files again; the events `attributes.unreadable` of the log name them.",
)
OPERATIONS_BOUNDED = Reason(
    "OperationsBounded",
    "Files have more operations than the index keeps of one; their rarest are not listed.",
    "Search by name for them; raise INDEXER_OPERATIONS_MAX, and give spans names of few values.",
)
SPANS_SAMPLED = Reason(
    "SpansSampled",
    "Attributes are counted over some spans of each operation in the newest files.",
    "Narrow it with `service`, `since` and `until`; promoted attributes are counted over all.",
)
LIST_BOUNDED = Reason(
    "ListBounded",
    "A list of what spans hold has looked at as many spans as it may.",
    "Narrow it by time, or ask a search for the spans themselves.",
)
_UNREADABLE: tuple[type[IndexerError], ...] = (
    *(errors.FileUnreadable, errors.FileVanished, errors.FileChanged),
    *errors.FileError.__subclasses__(),
)
UNREADABLE_FILES = tuple(map(Reason.of, _UNREADABLE))
"""Of a file that had to be read for the answer: its spans, or their payload, are missing."""

REASONS = (
    *(FILES_PENDING, FILES_LOST, STORAGE_UNAVAILABLE),
    *(HOT_UNAVAILABLE, HOT_INCOMPLETE, HOT_BOUNDED, TOO_MANY_RECENT_FILES, INDEX_STALLED),
    *(
        HOT_NOT_READ,
        PUBLISHED_NOT_READ,
        FILES_NOT_READ,
        OPERATIONS_BOUNDED,
        SPANS_SAMPLED,
        LIST_BOUNDED,
    ),
    *(TRACE_TOO_LARGE, SPAN_TOO_LARGE, ATTRIBUTES_PENDING, ATTRIBUTES_UNREADABLE),
    *UNREADABLE_FILES,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One thing that an answer lacks."""

    reason: Reason
    detail: str
    file_path: str | None = None
    """Absolute; None where it is about no file, or about several."""
    files: int | None = None
    """How many files it is about, where they are counted and not named."""

    @classmethod
    def of_error(cls, error: IndexerError, file_path: str | None = None) -> "Missing":
        """What is missing because of an error."""
        return cls(reason=Reason.of(type(error)), detail=error.message, file_path=file_path)
