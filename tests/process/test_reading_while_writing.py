"""Who asks while the catalog changes gets one of its states, whole, and never brings it down.

Answers run on threads of their own beside the writer. Each must see one commit and not parts of
two; and the writer closes and opens the catalog under them when a commit has failed.
"""

import signal
from pathlib import Path

import pytest

from tests.support.processes import Site, asking, wait_until
from tests.support.span_files import parquet_bytes, spans

pytestmark = [pytest.mark.process]

REWRITES = 12


def test_a_trace_that_is_rewritten_is_always_answered_whole(site: Site) -> None:
    """Never without its spans, never with spans of two versions, never an error."""
    worker = site.worker()
    site.write("a.parquet", spans(9, name="0"))
    wait_until(lambda: site.trace(1), "the first version")
    with asking(site, f"/api/v1/traces/{1:032x}", threads=3) as answers:
        for number in range(1, REWRITES):
            site.write("a.parquet", spans(9, name=str(number)))
            wait_until(lambda n=str(number): site.trace(1)[0]["name"] == n, "the next version")
    assert len(answers) > REWRITES
    for answer in answers:
        assert answer.code == 200, answer.body
        found = answer.json["spans"]
        assert len(found) == 9
        assert len({span["name"] for span in found}) == 1
        assert answer.json["complete"] == (not answer.json["missing"])
    assert "Traceback" not in worker.err


def test_lists_and_totals_agree_with_themselves(site: Site) -> None:
    """The numbers of one answer are numbers of one moment."""
    worker = site.worker()
    with (
        asking(site, "/status") as totals,
        asking(site, "/services") as services,
        asking(site, "/services/shop/roots") as roots,
    ):
        for number in range(1, REWRITES):
            site.write(f"{number % 5}.parquet", spans(4, trace=number))
            wait_until(lambda n=number: site.trace(n), "the new trace")
    for answer in (*totals, *services, *roots):
        assert answer.code == 200, answer.body
    for answer in totals:
        assert answer.json["spans"] == 4 * answer.json["files"]
        assert answer.json["trace_files"] == answer.json["files"]
    assert {row["total_spans"] for answer in services for row in answer.json["services"]} <= {
        4,
        8,
        12,
        16,
        20,
    }
    assert "Traceback" not in worker.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_among_questions_is_clean(site: Site, number: signal.Signals) -> None:
    """Whoever asks at the last moment is answered or refused; the worker ends with 0."""
    for file in range(10):
        site.write(f"{file}.parquet", spans(200, trace=1 + file))
    worker = site.worker()
    site.wait_files(10)
    with asking(
        site,
        "/status",
        f"/api/v1/traces/{1:032x}",
        "/services/shop/roots",
        threads=4,
        to_the_end=False,
    ):
        assert site.end(worker, number) == 0, worker.err
    assert "Traceback" not in worker.err
    assert site.call("audit").code == 0


def test_a_file_that_is_gone_before_the_index_knows_is_said(site: Site, tmp_path: Path) -> None:
    """The index still names it, the payload cannot be had: the answer says what is missing."""
    path = site.write("a.parquet", spans(3))
    site.worker(INDEXER_WATCH="false")
    site.wait_files(1)
    path.rename(tmp_path / "elsewhere.parquet")
    answer = site.get(f"/api/v1/traces/{1:032x}").json
    assert len(answer["spans"]) == 3
    assert answer["complete"] is False
    assert answer["missing"][0]["error_type"] == "FileVanished"
    path.write_bytes(parquet_bytes(spans(4)))
    answer = site.get(f"/api/v1/traces/{1:032x}").json
    # The index looks at a young file again two seconds after it came, and may do so just now.
    if len(answer["spans"]) == 3:
        assert answer["complete"] is False
        assert answer["missing"][0]["error_type"] == "FileChanged"
    assert site.request("POST", "/sweep").code == 200
    answer = site.get(f"/api/v1/traces/{1:032x}").json
    assert (answer["complete"], len(answer["spans"])) == (True, 4)
