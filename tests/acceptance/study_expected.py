"""What every attribute of every table must hold after the studies: one list a table, by id."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import study_oracle as oracle
import study_world as studies
from sklearn.preprocessing import (
    LabelBinarizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from study_world import CLASSES, FLOWER_FEATURES, GIVEN, HISTORY, ROW_COUNT, World

ALL_ROWS = list(range(ROW_COUNT))
FILE_COLUMNS = ["colour", "width", "count", "depth", "flat", "kind", "sick", "price"]
DTYPES = {
    "colour": "str",
    "width": "float64",
    "count": "int64",
    "depth": "float64",
    "flat": "int64",
    "kind": "str",
    "sick": "str",
    "price": "float64",
}
#: hyperparameters of the random half of the regression's grid: these, in this order, less one
PRICES = [{"alpha": alpha, "unused": "text"} for alpha in (0.1, 1, 10.0)]


@dataclass(frozen=True)
class Satisfies:
    """A value that has no one right answer, and what it must be all the same."""

    words: str
    holds: Callable[[Any], bool]


def _times(count: int, *values: Any) -> list[Any]:
    return list(values) * count


def _row(table: str, id: int | None) -> Any:
    from aiqc import orm

    return None if id is None else getattr(orm, table)(id=id)


def _links(table: str, ids: list[int | None]) -> Callable[[World, str], list[Any]]:
    return lambda world, owner: [_row(table, id) for id in ids]


def _always(values: list[Any]) -> Callable[[World, str], list[Any]]:
    return lambda world, owner: values


def _stored(table: str, id: int, attribute: str) -> Any:
    from aiqc import orm

    return getattr(getattr(orm, table).of(id), attribute)


# --- what every table has -------------------------------------------------------------------


#: rows a table holds in the end
COUNTS = {
    "Dataset": 4,
    "Feature": 4,
    "Label": 4,
    "LabelCoder": 3,
    "FeatureCoder": 4,
    "Splitset": 5,
    "Fold": 3,
    "Algorithm": 4,
    "Hyperparamset": 3,
    "Hyperparamcombo": 6,
    "Queue": 4,
    "Job": 9,
    "Predictor": 11,
    "Prediction": 11,
}
NAMES = {
    ("Dataset", 1): "flowers",
    ("Dataset", 2): "flowers",
    ("Label", 4): "coded",
    ("Splitset", 1): "flowers",
    ("Splitset", 2): "flowers",
    ("Queue", 3): "prices",
}
DESCRIPTIONS = {
    ("Dataset", 1): "shuffled rows",
    ("Label", 4): "one-hot already",
    ("Splitset", 1): "the first",
    ("Queue", 1): "two rates twice",
}


def _by_row(facts: dict[tuple[str, int], Any], other: Any) -> Callable[[World, str], list[Any]]:
    def values(world: World, owner: str) -> list[Any]:
        return [facts.get((owner, id), other) for id in range(1, COUNTS[owner] + 1)]

    return values


def _created(world: World, owner: str) -> list[Any]:
    def in_time(value: datetime) -> bool:
        return value.tzinfo is None and world.begun <= value <= world.ended

    return _times(COUNTS[owner], Satisfies("a UTC time while the studies were made", in_time))


def _updated(world: World, owner: str) -> list[Any]:
    def of_row(id: int) -> Satisfies:
        made = _stored(owner, id, "time_created")
        if (owner, id) in {("Label", 4), ("Predictor", 2)}:
            return Satisfies("after set_info or flip_star", lambda v: made < v <= world.ended)
        return Satisfies("between its creation and the end", lambda v: made <= v <= world.ended)

    return [of_row(id) for id in range(1, COUNTS[owner] + 1)]


BASE = {
    "id": lambda world, owner: list(range(1, COUNTS[owner] + 1)),
    "time_created": _created,
    "time_updated": _updated,
    "is_starred": _by_row({("Predictor", 2): True}, other=False),
    "name": _by_row(NAMES, None),
    "description": _by_row(DESCRIPTIONS, None),
}

# --- data and preparation -------------------------------------------------------------------


def _frames(world: World) -> list[pd.DataFrame]:
    part = world.frame[["width", "count"]].head(4).set_axis(["w", "c"], axis=1)
    return [
        world.frame,
        part.astype({"w": "float32", "c": "int16"}),
        pd.DataFrame({"0": [1, 3], "1": [2.5, float("nan")]}),
        pd.get_dummies(world.frame["kind"]),
    ]


def _blobs(world: World, owner: str) -> list[Any]:
    def holds(frame: pd.DataFrame) -> Satisfies:
        def same(data: bytes) -> bool:
            stored = pd.read_parquet(io.BytesIO(data))
            pd.testing.assert_frame_equal(stored, frame, check_exact=True)
            return type(data) is bytes

        return Satisfies("the bytes of a Parquet file of the frame", same)

    first, second, _, fourth = _frames(world)
    return [holds(first), holds(second), None, holds(fourth)]


def _digests(world: World, owner: str) -> list[Any]:
    found = [_stored("Dataset", id, "sha256_hexdigest") for id in (1, 2, 3, 4)]
    own = Satisfies(
        "a SHA-256 in hexadecimal digits that no other data has",
        lambda value: bool(re.fullmatch(r"[0-9a-f]{64}", value)) and found.count(value) == 1,
    )
    return _times(4, own)


DATASET = {
    "typ": _always(_times(4, "tabular")),
    "source_format": _always(["csv", "dataframe", "tsv", "dataframe"]),
    "source_path": lambda w, _: [str(w.file), None, str(w.file.parent / "bare.tsv"), None],
    "urls": _always(_times(4, None)),
    "columns": _always([FILE_COLUMNS, ["w", "c"], ["0", "1"], CLASSES]),
    "dtypes": _always(
        [
            DTYPES,
            {"w": "float32", "c": "int16"},
            {"0": "int64", "1": "float64"},
            dict.fromkeys(CLASSES, "bool"),
        ]
    ),
    "shape": _always(
        [
            {"samples": rows, "columns": columns}
            for rows, columns in ((101, 8), (4, 2), (2, 2), (101, 3))
        ]
    ),
    "sha256_hexdigest": _digests,
    "memory_MB": lambda w, _: [
        float(frame.memory_usage(index=False, deep=True).sum() / 1e6) for frame in _frames(w)
    ],
    "contains_nan": _always([False, False, True, False]),
    "header": _always(["infer", None, None, None]),
    "is_ingested": _always([True, True, False, True]),
    "blob": _blobs,
    "version": _always([1, 2, None, None]),
}


def _feature_fits(world: World, owner: str) -> list[Any]:
    # the newest Splitset without folds is the binary study's; the folded study's are the folds'
    return [oracle.mixed_fits(world.frame, GIVEN["train"]), None, None, None]


FEATURE = {
    "columns": _always([FLOWER_FEATURES, ["width"], ["count", "depth", "flat"], CLASSES]),
    "columns_excluded": _always(
        [
            ["kind", "sick", "price"],
            ["colour", "count", "depth", "flat", "kind", "sick", "price"],
            ["colour", "width", "kind", "sick", "price"],
            None,
        ]
    ),
    "fitted_featurecoders": _feature_fits,
    "dataset": _links("Dataset", [1, 1, 1, 4]),
}


def _label_fits(world: World, owner: str) -> list[Any]:
    train = _stored("Splitset", 3, "samples")["train"]
    fits = [oracle.label_fit(world.frame, name, train) for name in ("kind", "sick", "price")]
    return [*fits, None]


LABEL = {
    "columns": _always([["kind"], ["sick"], ["price"], CLASSES]),
    "column_count": _always([1, 1, 1, 3]),
    "unique_classes": _always([CLASSES, ["no", "yes"], None, CLASSES]),
    "fitted_labelcoder": _label_fits,
    "dataset": _links("Dataset", [1, 1, 1, 4]),
}


def _unfitted(estimator: Any) -> Satisfies:
    def same(value: Any) -> bool:
        plain = {k: repr(v) for k, v in value.get_params().items()}
        wanted = {k: repr(v) for k, v in estimator.get_params().items()}
        fitted = [name for name in vars(value) if name.endswith("_") and name[0] != "_"]
        return type(value) is type(estimator) and plain == wanted and not fitted

    return Satisfies(f"an unfitted {estimator!r}", same)


LABELCODER = {
    "only_fit_train": _always([False, False, True]),
    "is_categorical": _always([True, True, False]),
    "sklearn_preprocess": _always(
        [
            _unfitted(OrdinalEncoder()),
            _unfitted(LabelBinarizer()),
            _unfitted(StandardScaler(copy=False)),
        ]
    ),
    "matching_columns": _always([["kind"], ["sick"], ["price"]]),
    # scikit-learn's first choice: all three take a matrix of one column
    "encoding_dimension": _always(_times(3, "2D_multiColumn")),
    "label": _links("Label", [1, 2, 3]),
}

FEATURECODER = {
    "idx": _always([0, 1, 0, 0]),
    "sklearn_preprocess": _always(
        [
            _unfitted(OneHotEncoder(sparse_output=False)),
            _unfitted(StandardScaler(copy=False)),
            _unfitted(StandardScaler(copy=False)),
            _unfitted(MinMaxScaler(copy=False)),
        ]
    ),
    "encoded_column_names": _always(
        [oracle.ENCODED[:3], ["width", "depth"], ["width"], ["count", "depth"]]
    ),
    "matching_columns": _always([["colour"], ["width", "depth"], ["width"], ["count", "depth"]]),
    "leftover_columns": _always(
        [["width", "depth", "count", "flat"], ["count", "flat"], [], ["flat"]]
    ),
    "leftover_dtypes": _always(
        [
            {"width": "float64", "depth": "float64", "count": "int64", "flat": "int64"},
            {"count": "int64", "flat": "int64"},
            {},
            {"flat": "int64"},
        ]
    ),
    "original_filter": _always(
        [
            {"include": True, "dtypes": None, "columns": ["colour"]},
            {"include": True, "dtypes": ["float64"], "columns": None},
            {"include": True, "dtypes": None, "columns": None},
            {"include": False, "dtypes": None, "columns": ["flat"]},
        ]
    ),
    "encoding_dimension": _always(_times(4, "2D_multiColumn")),
    "only_fit_train": _always([False, True, True, True]),
    "is_categorical": _always([True, False, False, False]),
    "feature": _links("Feature", [1, 1, 2, 3]),
}

# --- samples --------------------------------------------------------------------------------


def _drawn(strata: pd.Series, counts: dict[str, int]) -> Satisfies:
    def holds(samples: dict[str, list[int]]) -> bool:
        sizes = {name: len(rows) for name, rows in samples.items()}
        fair = all(oracle.is_stratified(strata, rows, ALL_ROWS) for rows in samples.values())
        return sizes == counts and fair and oracle.is_partition([*samples.values()], ALL_ROWS)

    return Satisfies(f"a stratified partition of all rows into {counts}", holds)


THREE = {"train": 67, "validation": 22, "test": 12}


def _samples(world: World, owner: str) -> list[Any]:
    kind = world.frame["kind"]
    bins = pd.qcut(world.frame["price"], q=4, labels=False, duplicates="drop")
    return [
        _drawn(kind, THREE),
        _drawn(kind, THREE),
        _drawn(bins, {"train": 80, "test": 21}),
        GIVEN,
        _drawn(kind == "daisy", {"train": 70, "test": 31}),
    ]


def _sizes(**parts: tuple[float, int]) -> dict[str, dict[str, Any]]:
    return {name: {"percent": share, "count": rows} for name, (share, rows) in parts.items()}


SPLITSET = {
    "cache_path": lambda world, _: (
        [
            Satisfies(
                "a folder of its own under cache/samples",
                lambda path: Path(path).parent == world.home / "cache" / "samples",
            )
        ]
        * 5
    ),
    "cache_hot": _always([True, True, True, True, False]),
    "samples": _samples,
    "sizes": _always(
        [
            _sizes(train=(0.68, 67), validation=(0.21, 22), test=(0.11, 12)),
            _sizes(train=(0.68, 67), validation=(0.21, 22), test=(0.11, 12)),
            _sizes(train=(0.8, 80), test=(0.2, 21)),
            _sizes(train=(76 / 101, 76), validation=(25 / 101, 25)),
            _sizes(train=(0.7, 70), test=(0.3, 31)),
        ]
    ),
    "supervision": _always([*_times(4, "supervised"), "unsupervised"]),
    "has_validation": _always([True, True, False, True, False]),
    "fold_count": _always([None, 3, None, None, None]),
    "bin_count": _always([None, None, 4, None, None]),
    "unsupervised_stratifyCol": _always([*_times(4, None), "daisy"]),
    "key_train": _always(["train", "folds_train_combined", "train", "train", "train"]),
    "key_evaluation": _always(["validation", "fold_validation", "test", "validation", "test"]),
    "key_test": _always(["test", "test", "test", None, "test"]),
    "version": _always([1, 2, None, None, None]),
    "label": _links("Label", [1, 1, 3, 2, None]),
    "predictor": _always(_times(5, None)),
}


def _fold_samples(world: World, owner: str) -> list[Any]:
    whole = _stored("Splitset", 2, "samples")
    held_out = [_stored("Fold", id, "samples")["fold_validation"] for id in (1, 2, 3)]

    def of_fold(index: int) -> dict[str, Any]:
        def is_rest(rows: list[int]) -> bool:
            return oracle.is_partition([rows, held_out[index]], whole["train"])

        def is_third(rows: list[int]) -> bool:
            fair = oracle.is_stratified(world.frame["kind"], rows, whole["train"])
            return fair and oracle.is_partition(held_out, whole["train"]) and len(rows) in {22, 23}

        return {
            "folds_train_combined": Satisfies("the training rows that are not held out", is_rest),
            "fold_validation": Satisfies("a stratified third of the training rows", is_third),
            "validation": whole["validation"],
            "test": whole["test"],
        }

    return [of_fold(index) for index in range(3)]


def _fold_train(id: int) -> list[int]:
    rows: list[int] = _stored("Fold", id, "samples")["folds_train_combined"]
    return rows


def _fold_fits(world: World, owner: str) -> list[Any]:
    fits = [oracle.fold_fits(world.frame, _fold_train(id)) for id in (1, 2, 3)]
    return [{2: [wide], 3: [rest]} for wide, rest in fits]


FOLD = {
    "idx": _always([0, 1, 2]),
    "samples": _fold_samples,
    "fitted_labelcoder": lambda world, _: [oracle.label_fit(world.frame, "kind", [])] * 3,
    "fitted_featurecoders": _fold_fits,
    "splitset": _links("Splitset", [2, 2, 2]),
}

# --- logic ----------------------------------------------------------------------------------


def _source(function: Any) -> Satisfies:
    import inspect

    from aiqc.utils.dill import reveal_code

    text = inspect.getsource(function).strip()
    return Satisfies(
        f"the bytes of the source of {function.__name__}",
        lambda data: type(data) is bytes and text in reveal_code(data),
    )


ALGORITHM = {
    "library": _always(["toy", "sklearn", "sklearn", "sklearn"]),
    "analysis_type": _always(
        [*_times(2, "classification_multi"), "regression", "classification_binary"]
    ),
    "fn_build": _always(
        [
            _source(studies.toy_build),
            _source(studies.logistic_build),
            _source(studies.linear_build),
            _source(studies.logistic_build),
        ]
    ),
    "fn_lose": _always([None, None, _source(studies.absolute_lose), None]),
    "fn_optimize": _always([_source(studies.toy_optimize), None, None, None]),
    "fn_train": _always([None, None, _source(studies.linear_train), None]),
    "fn_predict": _always([None, None, _source(studies.linear_predict), None]),
}

HYPERPARAMSET = {
    "hyperparameters": _always(
        [
            {"learning_rate": [0.5, 0.001]},
            {"alpha": [0.1, 1, 10.0], "unused": ["text"]},
            {"C": [0.5, 2.0]},
        ]
    ),
    "search_count": _always([None, None, 2]),
    "search_percent": _always([None, 0.5, None]),
    "algorithm": _links("Algorithm", [1, 3, 4]),
}


def _combos(world: World, owner: str) -> list[Any]:
    drawn = [_stored(owner, id, "hyperparameters") for id in (3, 4)]
    places = [PRICES.index(combo) for combo in drawn if combo in PRICES]

    def is_drawn(_: Any) -> bool:
        return len(places) == 2 and places[0] < places[1]

    half = Satisfies("one of two combinations of the grid, in its order", is_drawn)
    rates = [{"learning_rate": 0.5}, {"learning_rate": 0.001}]
    return [*rates, half, half, {"C": 0.5}, {"C": 2.0}]


HYPERPARAMCOMBO = {
    "idx": _always([0, 1, 0, 1, 0, 1]),
    "hyperparameters": _combos,
    "hyperparamset": _links("Hyperparamset", [1, 1, 2, 2, 3, 3]),
}

QUEUE = {
    "repeat_count": _always([2, 1, 1, 1]),
    "total_runs": _always([4, 3, 2, 2]),
    "permute_count": _always([2, 0, 0, 3]),
    "runs_completed": _always([4, 3, 2, 2]),
    "algorithm": _links("Algorithm", [1, 2, 3, 4]),
    "splitset": _links("Splitset", [1, 2, 3, 4]),
    "hyperparamset": _links("Hyperparamset", [1, None, 2, 3]),
}

JOB = {
    "repeat_count": _always([2, 2, *_times(7, 1)]),
    "queue": _links("Queue", [1, 1, 2, 2, 2, 3, 3, 4, 4]),
    "hyperparamcombo": _links("Hyperparamcombo", [1, 2, None, None, None, 3, 4, 5, 6]),
    "fold": _links("Fold", [None, None, 1, 2, 3, *_times(4, None)]),
}

# --- results --------------------------------------------------------------------------------


def _samples_behind(id: int) -> dict[str, list[int]]:
    if id in oracle.FOLDED:
        samples = _stored("Fold", id - oracle.FOLDED[0] + 1, "samples")
    else:
        samples = _stored("Splitset", 1 if id in oracle.MULTI else 3, "samples")
    return dict(samples)


def expected_of(world: World, id: int) -> oracle.Expected:
    """Return what the hand computes for one Predictor."""
    key = f"expected {id}"
    if key in world.seen:
        found: oracle.Expected = world.seen[key]
        return found
    if id in oracle.MULTI:
        from aiqc import orm

        weights = orm.Predictor.get_model(id).weights
        made = oracle.of_multi(world.frame, _samples_behind(id), weights)
    elif id in oracle.FOLDED:
        made = oracle.of_folded(world.frame, _samples_behind(id))
    elif id in oracle.PRICE:
        alpha = _stored("Hyperparamcombo", id - 5, "hyperparameters")["alpha"]
        made = oracle.of_price(world.frame, _samples_behind(id), alpha)
    else:
        made = oracle.of_sick(world.frame, {10: 0.5, 11: 2.0}[id])
    world.seen[key] = made
    return made


def _results(attribute: str) -> Callable[[World, str], list[Any]]:
    return lambda world, owner: [
        getattr(expected_of(world, id), attribute) for id in range(1, COUNTS["Prediction"] + 1)
    ]


def _started(world: World, owner: str) -> list[Any]:
    def in_time(value: datetime) -> bool:
        return value.tzinfo is None and world.begun <= value <= world.ended

    return _times(11, Satisfies("a UTC time while the studies ran", in_time))


def _succeeded(world: World, owner: str) -> list[Any]:
    starts = [_stored(owner, id, "time_started") for id in range(1, 12)]
    return [
        Satisfies(f"after {start}", lambda v, start=start: start <= v <= world.ended)
        for start in starts
    ]


def _durations(world: World, owner: str) -> list[Any]:
    def of_row(id: int) -> Satisfies:
        start, end = (_stored(owner, id, f"time_{key}") for key in ("started", "succeeded"))
        seconds = (end - start).total_seconds()
        return Satisfies(f"at most the {seconds} s it took", lambda v: 0 <= v <= seconds + 1)

    return [of_row(id) for id in range(1, 12)]


def _model_files(world: World, owner: str) -> list[Any]:
    def toy(id: int) -> Satisfies:
        from aiqc import orm

        weights = orm.Predictor.get_model(id).weights

        def same(data: bytes) -> bool:
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                stored = list(arrays.values())
            return all(np.array_equal(a, b) for a, b in zip(stored, weights, strict=True))

        return Satisfies("an npz of the model's weights", same)

    def is_zip(data: bytes) -> bool:
        return type(data) is bytes and data.startswith(b"PK\x03\x04")

    return [*(toy(id) for id in oracle.MULTI), *_times(7, Satisfies("a skops archive", is_zip))]


def _histories(world: World, owner: str) -> list[Any]:
    def toy(id: int) -> dict[str, Any]:
        metrics = expected_of(world, id).metrics
        return {
            "loss": _ends_in(50, metrics["train"]["loss"]),
            "val_loss": _ends_in(50, metrics["validation"]["loss"]),
        }

    return [*(toy(id) for id in oracle.MULTI), {}, {}, {}, HISTORY, HISTORY, {}, {}]


def _ends_in(epochs: int, last: float) -> Satisfies:
    def holds(series: Any) -> bool:
        fine = series.dtype == np.float64 and series.shape == (epochs,)
        return bool(fine and series[-1] == last and np.isfinite(series).all())

    return Satisfies(f"{epochs} losses that end in {last}", holds)


PREDICTOR = {
    "repeat_index": _always([0, 0, 1, 1, *_times(7, 0)]),
    "time_started": _started,
    "time_succeeded": _succeeded,
    "time_duration": _durations,
    "model_file": _model_files,
    "features_shapes": _always([*_times(4, (7,)), *_times(3, [(1,), (3,)]), *_times(4, (7,))]),
    "label_shape": _always([*_times(7, (3,)), *_times(4, (1,))]),
    "history": _histories,
    "is_starred": _by_row({("Predictor", 2): True}, other=False),
    "job": _links("Job", [1, 2, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
}


def _importances(world: World, owner: str) -> list[Any]:
    def column(count: int) -> Satisfies:
        def holds(facts: dict[str, Any]) -> bool:
            impacts = facts["loss_impacts"]
            middle = float(np.median(impacts))
            close = np.isclose(facts["median"], middle, rtol=1e-9, atol=1e-12)
            return set(facts) == {"median", "loss_impacts"} and len(impacts) == count and close

        return Satisfies(f"the median of {count} impacts", holds)

    def of_row(count: int) -> dict[str, Any]:
        nothing = {"median": 0.0, "loss_impacts": [0.0] * count}
        columns = {name: column(count) for name in FLOWER_FEATURES}
        return {"1": columns | {"flat": nothing}}

    return [*(of_row(2) for _ in range(4)), *_times(5, None), of_row(3), of_row(3)]


PREDICTION = {
    "predictions": _results("predictions"),
    "permute_count": _always([*_times(4, 2), *_times(5, 0), 3, 3]),
    "feature_importance": _importances,
    "probabilities": _results("probabilities"),
    "metrics": _results("metrics"),
    "metrics_aggregate": _results("aggregates"),
    "plot_data": _results("plot_data"),
}

TABLES: dict[str, dict[str, Any]] = {
    "BaseModel": BASE,
    "Dataset": DATASET,
    "Feature": FEATURE,
    "Label": LABEL,
    "LabelCoder": LABELCODER,
    "FeatureCoder": FEATURECODER,
    "Splitset": SPLITSET,
    "Fold": FOLD,
    "Algorithm": ALGORITHM,
    "Hyperparamset": HYPERPARAMSET,
    "Hyperparamcombo": HYPERPARAMCOMBO,
    "Queue": QUEUE,
    "Job": JOB,
    "Predictor": PREDICTOR,
    "Prediction": PREDICTION,
}
#: 'Class.attribute' -> function(world, table) -> one expected value a row, in the order of ids
EXPECTED: dict[str, Callable[[World, str], list[Any]]] = {
    f"{table}.{name}": values for table, rows in TABLES.items() for name, values in rows.items()
}
