"""``settings`` shows what this program takes, where each value is from, and no token."""

from indexer.settings.environment import variable_names
from tests.support.processes import Site

TOKEN = "not-for-anybody-else-0123456789"  # noqa: S105 - of a test


def test_each_setting_has_its_value_its_source_and_its_meaning(site: Site) -> None:
    config = site.folder / "span-indexer.toml"
    config.write_text('[flush]\nmax_age = "1h"\n[indexer]\nsettle_seconds = 9\n')
    site.set(INDEXER_HTTP_TOKEN=TOKEN, FLUSH_MIN_ROWS="3")
    done = site.call("settings", "--config", str(config), "--json")
    assert done.code == 0
    assert TOKEN not in done.out
    found = {one["setting"]: one for one in done.json["settings"]}
    assert set(found) == set(variable_names().values())
    assert all(one["meaning"] for one in found.values())

    def said(name: str) -> tuple[object, str]:
        return found[name]["value"], found[name]["source"]

    assert said("FLUSH_MAX_AGE") == (3600.0, str(config))
    assert said("INDEXER_SETTLE_SECONDS") == (0.2, "environment")
    assert said("INDEXER_HTTP_TOKEN") == ("(set, not shown)", "environment")
    assert said("INGESTION_API_KEY") == ("", "default")
    assert "FLUSH_MIN_ROWS" in done.json["ignored"]


def test_people_read_a_line_a_setting_what_was_set_first(site: Site) -> None:
    site.set(INDEXER_HTTP_TOKEN=TOKEN, JUNJO_SQLITE_PATH="/x")
    done = site.call("settings")
    assert TOKEN not in done.out
    head, *lines = done.out.splitlines()
    assert head.split() == ["setting", "value", "source", "meaning"]
    assert "default" not in lines[0].split()[2]
    assert len(lines) == len(variable_names())
    assert "ignored: JUNJO_SQLITE_PATH" in done.err
