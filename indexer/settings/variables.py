"""Which names of an environment are settings: ours, misspelt ones of ours, or somebody else's."""

import re
from collections.abc import Iterable, Mapping, Sequence

from indexer.deferred_dataclass import dataclass
from indexer.errors import InvalidSettings
from indexer.system.spelling import closest, nearest

OWN_PREFIX = "INDEXER_"
"""No other program has it, so that every name with it has to be a setting."""
SHARED_PREFIXES = ("INGESTION_", "FLUSH_", "JUNJO_", "SPAN_")
"""Junjo's services and its compose files have names of their own with these."""
EDITS_MAX = 2
NEAR_NAMES = 3
"""In the hint about a name that is like none: more are not read."""
OTHERS = frozenset({"FLUSH_MIN_ROWS"})
"""Settings of Junjo's ingestion that are as near to one of ours as a misspelt one is."""
_SERVICE = re.compile(r".+_SERVICE_(HOST|PORT(_\w+)?)|.+_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?")
_SERVICE_URL = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
"""A Service ``ingestion-grpc`` gives every pod of its namespace INGESTION_GRPC_PORT as such a URL
(https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """What an environment says to this program."""

    given: Mapping[str, str]
    """Settings and their texts."""
    ignored: tuple[str, ...]
    """Names with a prefix of ours that are not settings, for the log."""


def read_variables(environ: Mapping[str, str], known: Iterable[str]) -> Variables:
    """The settings in an environment. Raises InvalidSettings for a name that is misspelt."""
    known = frozenset(known)
    ours = {name: environ[name] for name in sorted(environ) if _has_prefix(name)}
    given = {name: text for name, text in ours.items() if name in known}
    given = {name: text for name, text in given.items() if not _SERVICE_URL.fullmatch(text)}
    ignored = []
    for name, text in ours.items():
        if name in known or _is_of_kubernetes(name, text):
            continue
        if name not in OTHERS:
            check_name(name, known, strict=name.startswith(OWN_PREFIX))
        ignored.append(name)
    return Variables(given=given, ignored=tuple(ignored))


def check_name(name: str, known: Iterable[str], *, strict: bool, where: str = "") -> None:
    """Raise InvalidSettings for a name within two letters of a setting, and if strict for any."""
    known = sorted(known)
    near = nearest(name, known, EDITS_MAX)
    if near is not None:
        raise InvalidSettings(
            f"{where}{name} is not a known setting; did you mean {near}?",
            hint=f"Set {near} instead, or unset {name}.",
        )
    if strict:
        near_names = ", ".join(_closest(name, known))
        raise InvalidSettings(
            f"{where}{name} is not a known setting",
            hint=f"The nearest are {near_names}; `python -m indexer settings` lists all of them.",
        )


def _closest(name: str, known: Sequence[str]) -> Sequence[str]:
    """Settings that are called the same with another prefix, then those of similar letters."""
    tail = name.partition("_")[2]
    same = [one for one in known if tail and one.partition("_")[2] == tail]
    others = [one for one in closest(name, known, NEAR_NAMES) if one not in same]
    return [*same, *others][:NEAR_NAMES]


def _has_prefix(name: str) -> bool:
    return name.startswith((OWN_PREFIX, *SHARED_PREFIXES))


def _is_of_kubernetes(name: str, text: str) -> bool:
    """Whether Kubernetes sets it for a Service that happens to be named like one of ours."""
    is_url = name.endswith("_PORT") and bool(_SERVICE_URL.fullmatch(text))
    return is_url or bool(_SERVICE.fullmatch(name))
