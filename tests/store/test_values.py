"""Times as text, written digit by digit."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from graphrec.store.values import to_text

TIME = pa.timestamp("us", tz="UTC")


def plainly(times: pa.Array) -> list[str | None]:
    return pc.replace_substring(times.cast(pa.string()), " ", "T", max_replacements=1).to_pylist()


@pytest.mark.parametrize(
    ("low", "high"), [(-62_135_596_800, 253_402_300_799), (0, 100_000), (253_402_300_000, 253_402_400_000)]
)
def test_times_read_like_arrow_writes_them(low: int, high: int) -> None:
    seconds = np.random.default_rng(0).integers(low, high, 2_000) * 1_000_000
    micros = np.random.default_rng(1).choice([0, 1, 999_999, 120_000], 2_000)
    times = pa.array([None, *(seconds + micros).tolist()], TIME)
    assert to_text(times).to_pylist() == plainly(times)
    assert to_text(pa.chunked_array([times[:7], times[7:]]).slice(3)).to_pylist() == plainly(times)[3:]


def test_no_times_are_no_texts() -> None:
    assert to_text(pa.array([], TIME)).to_pylist() == []
    assert to_text(pa.array([None], TIME)).to_pylist() == [None]
