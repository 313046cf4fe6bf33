"""The requests of each of Junjo's front ends, page by page, over a service; bodies checked.

Each asks on the paths of its release below a prefix, as its ``API_HOST`` would have it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.support.junjo_evidence_bodies import TraceEvidence
from tests.support.junjo_front_ends import NAMES, SPANS, accepted
from tests.support.served import Said, Served

V1 = "/api/v1/observability"


@dataclass
class FrontEnd:
    """One release, put on one worker."""

    served: Served
    release: str
    prefix: str
    said: list[Said] = field(default_factory=list)
    """Every answer that it was given."""

    @property
    def is_first(self) -> bool:
        return self.release == "0.61"

    def services(self) -> list[str]:
        path = "/otel/span-service-names" if self.is_first else f"{V1}/services"
        return NAMES.validate_python(self._json(path))

    def roots(self, service: str, *, llm: bool = False, query: str = "") -> list[Any]:
        name = quote(service, safe="")
        if self.is_first:
            return self._spans(
                f"/otel/service/{name}/root-spans{'-filtered' if llm else ''}{query}"
            )
        asked = "?has_llm=true" if llm else query
        return self._spans(f"{V1}/services/{name}/spans/root{asked}")

    def workflows(self, service: str) -> list[Any]:
        name = quote(service, safe="")
        if self.is_first:
            return self._spans(f"/otel/spans/type/workflow/{name}")
        return self._spans(f"{V1}/services/{name}/workflows")

    def trace(self, trace_id: str) -> list[Any]:
        """Its spans, the newest first; of a trace page, as of a workflow's."""
        if self.is_first:
            return self._spans(f"/otel/trace/{trace_id}/nested-spans")
        if self.release != "0.82":
            return self._spans(f"{V1}/traces/{trace_id}/spans")
        evidence = self.evidence(trace_id)
        return [] if evidence is None else accepted(self.release, evidence["spans"][::-1])

    def evidence(self, trace_id: str) -> Any:
        """Of 0.82 alone; None for a trace that is not there."""
        answer = self.served.get(f"{self.prefix}/api/v1/trace-evidence/{trace_id}")
        if answer.code == 404:
            return None
        self.said.append(answer)
        TraceEvidence.model_validate_json(answer.body)
        return answer.json

    def one_span(self, trace_id: str, span_id: str) -> Any:
        path = (
            f"/otel/trace/{trace_id}/span/" if self.is_first else f"{V1}/traces/{trace_id}/spans/"
        )
        found = self._json(f"{path}{span_id}")
        return found if found is None else SPANS[self.release].model_validate(found)

    def _spans(self, path: str) -> list[Any]:
        return accepted(self.release, self._json(path))

    def _json(self, path: str) -> Any:
        answer = self.served.get(f"{self.prefix}{path}")
        assert answer.code == 200, answer.body
        self.said.append(answer)
        return answer.json
