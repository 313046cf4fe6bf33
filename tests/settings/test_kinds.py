"""A value that is shown can be set as it is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.settings import Settings
from indexer.settings.kinds import byte_count, byte_size, seconds
from indexer.settings.setting import Setting
from indexer.settings.values import Secret


@pytest.mark.parametrize("setting", Settings.fields.values(), ids=lambda one: one.variable)
def test_every_default_is_read_again_as_it_is_written(setting: Setting) -> None:
    value = setting.read(setting.default)
    if not isinstance(value, Secret):  # written nowhere
        assert setting.read(setting.kind.write(value)) == value


@given(st.integers(0, 1 << 50))
def test_every_size_is_read_again_as_it_is_written(size: int) -> None:
    count, text = byte_count(0), byte_size("0", "2048TiB")
    assert count.read(count.write(size)) == size
    assert text.read(text.write(f"{size}B")) == f"{size}B"


@given(st.integers(0, 10_000_000) | st.floats(0, 1e9).map(lambda value: round(value, 3)))
def test_every_time_is_read_again_as_it_is_written(value: float) -> None:
    kind = seconds(0, 1e12)
    assert kind.read(kind.write(value)) == value


def test_a_whole_number_of_a_unit_is_written_in_it() -> None:
    times = [seconds(0, 1e9).write(value) for value in (0, 0.25, 30.0, 90, 120, 86_400 * 30)]
    assert times == ["0s", "0.25s", "30s", "90s", "2m", "30d"]
    sizes = [byte_count(0).write(value) for value in (0, 1000, 1 << 20, 3 << 29, 1 << 60)]
    assert sizes == ["0B", "1000B", "1MiB", "1536MiB", "1048576TiB"]
