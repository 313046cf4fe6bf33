"""A misspelt variable ends the start, somebody else's does not, and Kubernetes' never do."""

import pytest

from indexer.errors import InvalidSettings
from indexer.settings.environment import variable_names
from indexer.settings.variables import read_variables

KNOWN = frozenset(variable_names().values())


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("INGESTION_API_KEYS", "INGESTION_API_KEY"),
        ("INGESTION_RETENTION_MAX_AGES", "INGESTION_RETENTION_MAX_AGE"),
        ("INGESTION_RETNETION_MAX_BYTES", "INGESTION_RETENTION_MAX_BYTES"),
        ("FLUSH_MAX_ROW", "FLUSH_MAX_ROWS"),
        ("JUNJO_SPAN_STORAGEPATH", "JUNJO_SPAN_STORAGE_PATH"),
        ("JUNJO_INTERNAL_GRPC_TOKNE", "JUNJO_INTERNAL_GRPC_TOKEN"),
        ("SPAN_STORAGE_PAHT", "SPAN_STORAGE_PATH"),
        ("INDEXER_HTTP_TOKKENN", "INDEXER_HTTP_TOKEN"),
    ],
)
def test_a_name_within_two_letters_of_a_setting_ends_the_start_with_that_setting(name, near):
    with pytest.raises(
        InvalidSettings, match=f"{name} is not a known setting; did you mean {near}"
    ):
        read_variables({name: "x"}, KNOWN)


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("INDEXER_DUCKDB_PATH", "JUNJO_DUCKDB_PATH"),
        ("INDEXER_SPAN_STORAGE_PATH", "JUNJO_SPAN_STORAGE_PATH"),
    ],
)
def test_a_setting_of_the_same_name_with_another_prefix_is_the_nearest(name, first):
    with pytest.raises(InvalidSettings) as refused:
        read_variables({name: "x"}, KNOWN)
    assert refused.value.advice.startswith(f"The nearest are {first}, ")


def test_a_name_of_junjo_or_further_away_is_ignored_and_named_for_the_log():
    others = ("FLUSH_MIN_ROWS", "JUNJO_SQLITE_PATH", "SPAN_TEST_SEED", "INGESTION_HOST_NAME_SUFFIX")
    found = read_variables(dict.fromkeys(others, "1"), KNOWN)
    assert set(found.ignored) == set(others)
    assert found.given == {}


@pytest.mark.parametrize(
    "service", ["INDEXER", "INDEXER_HTTP", "INGESTION", "INGESTION_GRPC", "JUNJO"]
)
def test_what_kubernetes_sets_for_a_service_never_stops_the_start(service):
    url = "tcp://10.96.0.17:8321"
    injected = {
        f"{service}_SERVICE_HOST": "10.96.0.17",
        f"{service}_SERVICE_PORT": "8321",
        f"{service}_SERVICE_PORT_HTTP": "8321",
        f"{service}_PORT": url,
        f"{service}_PORT_8321_TCP": url,
        f"{service}_PORT_8321_TCP_PROTO": "tcp",
        f"{service}_PORT_8321_TCP_PORT": "8321",
        f"{service}_PORT_8321_TCP_ADDR": "10.96.0.17",
    }
    found = read_variables({**injected, "FLUSH_MAX_ROWS": "5"}, KNOWN)
    assert found.given == {"FLUSH_MAX_ROWS": "5"}
    assert found.ignored == ()
