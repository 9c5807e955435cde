"""Splitset.make beside scikit-learn's own split calls, and the size of its row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from benchmarks._harness import Cost, Figure, compared, cost, fresh_store, spread

if TYPE_CHECKING:
    from aiqc.orm import Feature, Label

ROWS = 1_000_000
REPEATS = 7
TEST, VALIDATION = 0.2, 0.1


def measure() -> list[Figure]:
    """Stratified by three classes into train, validation and test."""
    rng = np.random.default_rng(0)
    target = rng.integers(0, 3, ROWS)
    ours: list[Cost] = []
    theirs: list[Cost] = []
    with fresh_store():
        feature, label = _parts(target)
        for turn in range(REPEATS + 1):
            actions = [lambda turn=turn: _make(feature, label, turn), lambda: _split(target)]
            order = (0, 1) if turn % 2 else (1, 0)
            found = {which: cost(actions[which]) for which in order}
            if turn:
                ours.append(found[0])
                theirs.append(found[1])
        megabytes = _row_megabytes()
    return [
        *compared("Splitset.make, 1M rows / scikit-learn", ours, theirs, at_most=2.5),
        spread("Splitset.make, 1M rows", [one.wall for one in ours], "s"),
        Figure("row of a Splitset of 1M rows", megabytes, "MB", at_most=12),
    ]


def _parts(target: Any) -> tuple[Feature, Label]:
    from aiqc.orm import Dataset, Feature, Label

    values = np.arange(ROWS, dtype=np.float64)
    dataset = Dataset.Tabular.from_df(pd.DataFrame({"value": values, "target": target}))
    feature = Feature.from_dataset(dataset, include_columns="value")
    return feature, Label.from_dataset(dataset, columns="target")


def _make(feature: Feature, label: Label, seed: int) -> None:
    from aiqc.orm import Splitset

    Splitset.make(feature, label, size_test=TEST, size_validation=VALIDATION, seed=seed)


def _split(target: Any) -> None:
    from sklearn.model_selection import train_test_split

    test, validation = int(TEST * ROWS), int(VALIDATION * ROWS)
    rest, _ = train_test_split(np.arange(ROWS), test_size=test, stratify=target, random_state=0)
    train_test_split(rest, test_size=validation, stratify=target[rest], random_state=0)


def _row_megabytes() -> float:
    from aiqc.orm import Splitset

    table = Splitset._meta.table_name
    columns = " + ".join(f'coalesce(length("{name}"), 0)' for name in Splitset._meta.columns)
    cursor = Splitset._meta.database.execute_sql(f'SELECT max({columns}) FROM "{table}"')  # noqa: S608
    return float(cursor.fetchone()[0]) / 1e6
