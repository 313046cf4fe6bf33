"""What is counted, and under which few labels."""

import math

from prometheus_client.parser import text_string_to_metric_families

from indexer.telemetry import metrics


def value(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_file_s_lag_is_from_its_change_to_its_commit_and_old_files_have_none():
    """A file that was there before the process would tell how long the process was not."""
    lag = "span_indexer_file_lag_seconds"
    before = value(f"{lag}_count"), value(f"{lag}_sum"), value("span_indexer_files_indexed_total")
    now = metrics.STARTED_UNIX_NANO + 10_000_000_000
    metrics.files_indexed([now - 2_000_000_000, 1], spans=7, now_unix_nano=now)
    assert value(f"{lag}_count") == before[0] + 1
    assert value(f"{lag}_sum") == before[1] + 2
    assert value("span_indexer_files_indexed_total") == before[2] + 2


def test_a_clock_that_was_set_back_makes_no_lag_below_zero():
    lag = "span_indexer_file_lag_seconds_sum"
    before = value(lag)
    metrics.files_indexed(
        [metrics.STARTED_UNIX_NANO + 1_000], spans=1, now_unix_nano=metrics.STARTED_UNIX_NANO
    )
    assert value(lag) == before


def test_what_the_status_does_not_say_is_no_number():
    """Neither 0 spans nor a hot tier that does not answer, when nobody knows."""
    metrics.set_state({"healthy": True, "files": 3, "hot": {"reachable": True, "spans": 4}})
    assert value("span_indexer_files") == 3
    assert value("span_indexer_hot_reachable") == 1
    metrics.set_state({"healthy": False, "hot": None})
    assert value("span_indexer_healthy") == 0
    for name in ("span_indexer_files", "span_indexer_hot_reachable", "span_indexer_hot_spans"):
        assert math.isnan(value(name)), name


def test_every_metric_has_a_name_of_this_program_and_says_what_it_is():
    families = [one.describe()[0] for one in metrics.DECLARED]
    assert len({one.name for one in families}) == len(families)
    for one in families:
        assert one.name.startswith("span_indexer_")
        assert one.documentation.endswith(".")


def test_the_text_has_what_is_declared_and_nothing_else():
    """Both ways, for the families; a run of ``up`` shows that all of them have values."""
    told = {one.name for one in text_string_to_metric_families(metrics.exposition().decode())}
    declared = {one.describe()[0].name for one in metrics.DECLARED}
    assert told == declared | {name.removesuffix("_total") for name in metrics.PROCESS}
