"""One trace's key is the same whether it is made alone or among others."""

from __future__ import annotations

import numpy as np
import pytest

from indexer.spans.identity import trace_key, trace_keys

WORDS = [0, 1, 2**32, 0x0AF7651916CD43DD, 2**63, 2**64 - 1]


@pytest.mark.parametrize("high", WORDS)
def test_of_one_trace_as_of_many(high: int) -> None:
    keys = trace_keys(np.full(len(WORDS), high, np.uint64), np.array(WORDS, np.uint64))
    assert [trace_key(high, low) for low in WORDS] == list(keys)
