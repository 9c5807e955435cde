"""Reading two columns of a wide data set beside reading all of it."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks._harness import Figure, fresh_store, seconds, spread

ROWS, COLUMNS = 416_666, 60
REPEATS = 5


def measure() -> list[Figure]:
    """About 200 MB of random floats, which do not compress."""
    from aiqc.orm import Dataset

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, COLUMNS)))
    frame.columns = [f"c{i}" for i in range(COLUMNS)]
    with fresh_store():
        row = Dataset.Tabular.from_df(frame)
        pd.testing.assert_frame_equal(row.to_df(["c7", "c41"]), frame[["c7", "c41"]])
        few, whole, facts = [], [], []
        for _ in range(REPEATS):
            few.append(seconds(lambda: row.to_df(["c7", "c41"])))
            whole.append(seconds(row.to_df))
            facts.append(seconds(lambda: repr(Dataset.of(row.id))) * 1000)
    found = [b / a for a, b in zip(few, whole, strict=True)]
    return [
        spread("read 60 of 60 columns / read 2 of 60, 200 MB", found, "x", at_least=10),
        spread("read 2 of 60 columns", [value * 1000 for value in few], "ms"),
        spread("fetch and repr of its row", facts, "ms"),
    ]
