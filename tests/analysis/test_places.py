"""Places of values among ascending ones.

Here: `places_of` against a look at each value. Not here: what is looked up by it.
"""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sm_assets.analysis.numbering import places_of

# Beyond float64's whole numbers, and both ends of the type.
VALUES = st.integers(0, 8) | st.integers(2**64 - 4, 2**64 - 1)


@given(st.lists(VALUES, max_size=12), st.lists(VALUES, max_size=12))
def test_places_are_the_first_of_equal_ones(values: list[int], among: list[int]) -> None:
    ascending = sorted(among)
    found = places_of(np.array(values, np.uint64), np.array(ascending, np.uint64))
    assert found.dtype == np.int64
    assert found.tolist() == [ascending.index(value) if value in ascending else -1 for value in values]
