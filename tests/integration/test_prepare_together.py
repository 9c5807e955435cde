"""All steps on one Feature: gaps, windows, coders that reorder columns, a shape, folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from prepare_cases import coded, images, seen_rows, sequence, starts_of
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler

from aiqc.orm import (
    Dataset,
    Feature,
    FeatureInterpolater,
    FeatureShaper,
    Fold,
    Splitset,
    Window,
)

RNG = np.random.default_rng(7)
ROWS, SIZE, SHIFT = 61, 4, 3
STARTS = starts_of(ROWS, SIZE, SHIFT)
KINDS = ["b", "g", "r"]
NEAREST_AT_THE_ENDS = {"method": "linear", "limit_direction": "both"}


def weather() -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "kind": RNG.choice(KINDS, ROWS),
            "v": np.cumsum(RNG.normal(size=ROWS)) * 100 + 500,
            "left": np.arange(ROWS) * 1.5,
            "w": RNG.normal(size=ROWS),
        }
    )
    frame.loc[[2, 3, 17, 40, 60], "v"] = np.nan
    frame.loc[[0, 9, 33], "w"] = np.nan
    return frame


WEATHER = weather()


def two_features(frame: pd.DataFrame) -> list[Feature]:
    """Return all columns in another order, with every step, and one column of the same data."""
    dataset = Dataset.Tabular.from_df(frame)
    every = Feature.from_dataset(dataset, ["left", "v", "kind", "w"])
    FeatureInterpolater.from_feature(
        every, columns="v", interpolate_kwargs=NEAREST_AT_THE_ENDS, verbose=False
    )
    FeatureInterpolater.from_feature(every, columns="w", verbose=False)
    Window.from_feature(every, SIZE, SHIFT)
    coded(every, (OneHotEncoder(), "kind"), (StandardScaler(), ["w", "v"]))
    FeatureShaper.from_feature(every, (0, "1", (1, 2)))
    one = Feature.from_dataset(dataset, "left")
    Window.from_feature(one, SIZE, SHIFT)
    return [every, coded(one, (MinMaxScaler(), None))]


def straight(known: list[int], values: np.ndarray, row: int, *, continued: bool) -> float:
    """Return the value of a row on straight lines through known ones, by hand."""
    if known[0] < row < known[-1]:
        return float(np.interp(row, known, values[known]))
    near, far = (known[0], known[1]) if row < known[0] else (known[-1], known[-2])
    slope = (values[near] - values[far]) / (near - far) if continued else 0.0
    return float(values[near] + slope * (row - near))


def filled_as_in(samples: dict[str, list[int]], key: str, column: str) -> dict[str, np.ndarray]:
    """Return the column as each split sees it: training rows alone, others beside them."""
    raw, continued = WEATHER[column].to_numpy(), column == "w"
    rows = {split: with_targets(chosen) for split, chosen in samples.items()}
    known = [row for row in rows[key] if not np.isnan(raw[row])]
    train = raw.copy()
    for row in rows[key]:
        if row not in known:
            train[row] = straight(known, raw, row, continued=continued)
    found = {}
    for split, own in rows.items():
        beside = sorted({*rows[key], *own})
        known = [row for row in beside if not np.isnan(train[row])]
        found[split] = train.copy()
        for row in set(own) - set(known):
            found[split][row] = straight(known, train, row, continued=continued)
    return found


def with_targets(samples: list[int]) -> list[int]:
    rows = seen_rows(samples, STARTS, SIZE)
    return sorted({*rows, *(row + SHIFT for row in rows)})


@pytest.mark.parametrize("fold_count", [None, 3])
def test_a_table(store: Any, fold_count: int | None) -> None:
    splitset = Splitset.make(
        two_features(WEATHER), size_test=0.2, size_validation=0.15, fold_count=fold_count
    )
    splitset.cache_samples()
    every, one = splitset.features
    left = WEATHER["left"].to_numpy()
    for fold in list(splitset.folds) or [None]:
        samples, key = (fold or splitset).samples, splitset.key_train
        learned = seen_rows(samples[key], STARTS, SIZE)
        fits = {fit.feature_id: fit for fit in splitset.fits.where(fit_of(splitset, fold))}
        assert [fits[feature.id].samples for feature in (every, one)] == [learned, learned]
        scaler = fits[every.id].feature_fit().fitted[1][0]
        assert scaler.n_samples_seen_ == len(learned)
        seen = {name: filled_as_in(samples, key, name) for name in ("w", "v")}
        scale = {name: seen[name][key][learned] for name in ("w", "v")}
        low, high = left[learned].min(), left[learned].max()
        for split, chosen in samples.items():
            table = np.column_stack(
                [
                    *(WEATHER["kind"] == kind for kind in KINDS),
                    *((seen[n][split] - scale[n].mean()) / scale[n].std() for n in ("w", "v")),
                    left,
                ]
            ).astype(np.float64)
            places = np.array([[*range(STARTS[i], STARTS[i] + SIZE)] for i in chosen])
            fold_id = fold and fold.id
            first, second = splitset.fetch_cache(split, "features", fold_id=fold_id)
            target = splitset.fetch_cache(split, "label", fold_id=fold_id)
            for found, at in ((first, places), (target, places + SHIFT)):
                expected = table[at].reshape(len(chosen), 1, SIZE * 6)
                np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)
            expected = ((left - low) / (high - low))[places][..., None]
            np.testing.assert_allclose(second, expected, rtol=1e-9, atol=1e-9)
            # back to the columns of the Feature, in its order
            decoded = fits[every.id].feature_fit().inverse_transform(table[places + SHIFT])
            for position, values in enumerate(
                (left, seen["v"][split], WEATHER["kind"].to_numpy(), seen["w"][split])
            ):
                back, truth = decoded[..., position], values[places + SHIFT]
                if position == every.columns.index("kind"):
                    assert back.tolist() == truth.tolist()
                else:
                    np.testing.assert_allclose(back.astype(float), truth, rtol=1e-5)


def fit_of(splitset: Splitset, fold: Fold | None) -> Any:
    field = splitset.fits.model.fold
    return field.is_null() if fold is None else field == fold


@pytest.mark.parametrize("fold_count", [None, 3])
def test_rows_of_no_training_window_or_target_change_no_training_value(
    store: Any, fold_count: int | None
) -> None:
    def trained(frame: pd.DataFrame) -> list[tuple[list[int], list[bytes]]]:
        splitset = Splitset.make(
            two_features(frame), size_test=0.3, fold_count=fold_count, seed=11
        )
        found = []
        for fold in list(splitset.folds.order_by(Fold.idx)) or [None]:
            key, fold_id = splitset.key_train, fold and fold.id
            arrays = [
                *splitset.fetch_cache(key, "features", fold_id=fold_id),
                splitset.fetch_cache(key, "label", fold_id=fold_id),
            ]
            bits = [np.array(array).tobytes() for array in arrays]
            found.append(((fold or splitset).samples[key], bits))
        return found

    for position, (chosen, before) in enumerate(trained(WEATHER)):
        others = np.setdiff1d(np.arange(ROWS), with_targets(chosen))
        assert others.size
        changed = WEATHER.copy()
        changed.loc[others, ["v", "left", "w"]] *= 1e9
        assert trained(changed)[position] == (chosen, before)


def filled_slices(array: np.ndarray) -> np.ndarray:
    """Return an array whose columns of each slice of rows are filled by hand."""
    filled = array.astype(np.float64)
    for index in np.ndindex(*array.shape[:-2]):
        for column in range(array.shape[-1]):
            values = array[index][:, column].astype(np.float64)
            known = np.flatnonzero(~np.isnan(values)).tolist()
            for row in set(range(len(values))) - set(known):
                filled[index][row, column] = straight(known, values, row, continued=True)
    return filled


@pytest.mark.parametrize("kind", ["sequence", "image"])
def test_an_array(store: Any, kind: str) -> None:
    shape = (25, 6, 3) if kind == "sequence" else (25, 2, 6, 3)
    array = RNG.normal(size=shape) * [1, 50, 2000] + [3, -9, 7]
    array[4, ..., 2:4, 1] = np.nan
    array[10, ..., 0, 0] = np.nan
    array[24, ..., 5, 2] = np.nan
    feature = sequence(array) if kind == "sequence" else images(array)
    FeatureInterpolater.from_feature(feature, verbose=False)
    Window.from_feature(feature, 3, 2)
    # the columns leave in the order 2, 0, 1
    coded(feature, (MinMaxScaler(), "2"), (StandardScaler(), "0"))
    FeatureShaper.from_feature(feature, (0, (1, 2), *range(3, len(shape) + 1)))
    splitset = Splitset.make(feature, size_test=0.3)
    starts = np.array(starts_of(25, 3, 2))
    learned = seen_rows(splitset.samples["train"], starts.tolist(), 3)
    filled = filled_slices(array)
    flat = filled[learned].reshape(-1, 3)
    encoded = np.stack(
        [
            (filled[..., 2] - flat[:, 2].min()) / np.ptp(flat[:, 2]),
            (filled[..., 0] - flat[:, 0].mean()) / flat[:, 0].std(),
            filled[..., 1],
        ],
        axis=-1,
    )
    for split, chosen in splitset.samples.items():
        places = starts[chosen][:, None] + np.arange(3)
        for part, at in (("features", places), ("label", places + 2)):
            expected = encoded[at].reshape(len(chosen), 3 * shape[1], *shape[2:])
            found = splitset.fetch_cache(split, part)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
            back = splitset.fits.get().feature_fit().inverse_transform(encoded[at])
            np.testing.assert_allclose(back, filled[at], rtol=1e-5)
    fit = splitset.fits.get()
    assert fit.samples == learned
    scaler = fit.feature_fit().fitted[1][0]
    assert scaler.n_samples_seen_ == len(learned) * np.prod(shape[1:-1])
