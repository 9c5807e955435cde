"""Every attribute that spec/003 documents, as it is of sequences and images."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import arrays_oracle as hand
import arrays_world as arrays
import numpy as np
import pytest
import study_oracle as oracle
from arrays_world import COUNT, IMAGE_COLUMNS, LINEAR, Arrays
from same_values import assert_same
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler
from spec_rows import SpecRow, owner_of, spec_rows
from study_expected import Satisfies

import aiqc
from aiqc import orm

#: tables whose rows are of the data's shape, or lead to it
OWNERS = (
    *("Dataset", "Feature", "FeatureInterpolater", "FeatureCoder", "FeatureShaper", "Window"),
    *("Splitset", "Fold", "Predictor", "Prediction"),
)
ROWS = [row for row in spec_rows() if row.kind == "attribute" and row.owner in OWNERS]


@pytest.fixture(scope="module")
def built_arrays(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    folder = tmp_path_factory.mktemp("arrays")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQC_HOME", str(folder / "home"))
        for name in ("AIQC_DATABASE", "AIQC_CACHE", "AIQC_SIGNING_KEY"):
            patch.delenv(name, raising=False)
        return arrays.build_arrays(folder)


@pytest.fixture
def world(built_arrays: Arrays, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> Arrays:
    assert private_home.exists(), "the test's own home comes first"
    monkeypatch.setenv("AIQC_HOME", str(built_arrays.home))
    aiqc.connect(built_arrays.store)
    return built_arrays


# --- what each attribute is -----------------------------------------------------------------


def is_npy_of(values: Any) -> Satisfies:
    def same(data: bytes) -> bool:
        stored = np.load(io.BytesIO(data), allow_pickle=False)
        np.testing.assert_array_equal(stored, values, strict=True)
        return type(data) is bytes

    return Satisfies("the bytes of an npy file of the array", same)


def digests() -> list[Any]:
    found = [row.sha256_hexdigest for row in orm.Dataset.select().order_by(orm.Dataset.id)]
    assert found[1] == found[4], "the same images, ingested and not"
    own = Satisfies(
        "a SHA-256 of one data set's content",
        lambda value: bool(re.fullmatch(r"[0-9a-f]{64}", value)) and len(set(found)) == 4,
    )
    return [own] * 5


def stratified(world: Arrays) -> list[Any]:
    kind = arrays.kinds()["kind"]

    def fair(samples: Any) -> bool:
        sizes = {name: len(rows) for name, rows in samples.items()}
        parts = [*samples.values()]
        return (
            sizes == {"train": 32, "test": 8}
            and oracle.is_partition(parts, list(range(COUNT)))
            and all(oracle.is_stratified(kind, rows, list(range(COUNT))) for rows in parts)
        )

    def windows(samples: Any) -> bool:
        sizes = {name: len(rows) for name, rows in samples.items()}
        parts = [*samples.values()]
        return sizes == {"train": 13, "test": 5} and oracle.is_partition(parts, list(range(18)))

    return [
        Satisfies("a stratified partition of the samples", fair),
        Satisfies("a partition of the windows", windows),
    ]


def fold_samples(world: Arrays) -> list[Any]:
    whole = orm.Splitset.of(1).samples
    held = [orm.Fold.of(id).samples["fold_validation"] for id in (1, 2)]
    assert oracle.is_partition(held, whole["train"])
    return [
        {"folds_train_combined": held[1 - at], "fold_validation": held[at], "test": whole["test"]}
        for at in (0, 1)
    ]


def results(name: str) -> Callable[[Arrays], list[Any]]:
    def values(world: Arrays) -> list[Any]:
        return [*(hand.classified(id).get(name) for id in (1, 2)), hand.forecast().get(name)]

    return values


def aggregates(world: Arrays) -> list[Any]:
    made = [*(hand.classified(id)["metrics"] for id in (1, 2)), hand.forecast()["metrics"]]
    return [oracle.Expected({}, None, metrics, None).aggregates for metrics in made]


def importances(world: Arrays) -> list[Any]:
    def column(facts: Any) -> bool:
        impacts = facts["loss_impacts"]
        return len(impacts) == 2 and facts["median"] == pytest.approx(np.median(impacts))

    known = Satisfies("two impacts and their median", column)
    return [{"1": {"a": known, "b": known}, "2": {}}] * 2 + [None]


def always(values: list[Any]) -> Callable[[Arrays], list[Any]]:
    return lambda world: values


def links(table: str, ids: list[int | None]) -> Callable[[Arrays], list[Any]]:
    return always([None if id is None else getattr(orm, table)(id=id) for id in ids])


def of_table(values: list[Any]) -> list[Any]:
    """Return the values with one for the table of targets, which study_expected.py looks at."""
    anything = Satisfies("a table's", lambda value: True)
    return [*values[:2], anything, *values[2:]]


def unfitted(*kinds: type) -> list[Any]:
    def of_kind(kind: type) -> Satisfies:
        def holds(value: Any) -> bool:
            return type(value) is kind and not hasattr(value, "n_features_in_")

        return Satisfies(f"an unfitted {kind.__name__}", holds)

    return [of_kind(kind) for kind in kinds]


def moments(world: Arrays) -> list[Any]:
    return [Satisfies("a time", lambda value: isinstance(value, datetime))] * 3


def model_files(world: Arrays) -> list[Any]:
    archive = Satisfies("a skops archive", lambda value: value.startswith(b"PK\x03\x04"))
    return [archive] * 3


def cache_paths(world: Arrays) -> list[Any]:
    def is_own(path: str) -> bool:
        return Path(path).parent == world.home / "cache" / "samples"

    return [Satisfies("a folder under cache/samples", is_own)] * 2


SHAPES = [
    {"samples": COUNT, "rows": 4, "columns": 2},
    {"samples": COUNT, "channels": 3, "rows": 5, "columns": 6},
    {"samples": COUNT, "rows": 4, "columns": 2},
    {"samples": COUNT, "channels": 3, "rows": 5, "columns": 6},
]
WIDTH = [str(number) for number in range(6)]
TRAINED = ["folds_train_combined", "fold_validation", "test"]
#: 'Class.attribute' -> function(world) -> one expected value a row, in the order of ids
EXPECTED: dict[str, Callable[[Arrays], list[Any]]] = {
    "Dataset.typ": always(of_table(["sequence", "image", "sequence", "image"])),
    "Dataset.source_format": always(of_table(["ndarray", "PNG", "npy", "PNG"])),
    "Dataset.source_path": lambda world: of_table(
        [None, str(world.images), str(world.npy), "a bucket"]
    ),
    "Dataset.urls": lambda world: of_table([None, None, None, world.urls]),
    "Dataset.columns": always(of_table([["a", "b"], WIDTH, ["0", "1"], WIDTH])),
    "Dataset.dtypes": always(of_table(["float64", "uint8", "float64", "uint8"])),
    "Dataset.shape": always(of_table(SHAPES)),
    "Dataset.sha256_hexdigest": lambda world: digests(),
    "Dataset.memory_MB": always(of_table([0.00256, 0.0036, 0.00256, 0.0036])),
    "Dataset.contains_nan": always(of_table([True, False, False, False])),
    "Dataset.header": always(of_table([None] * 4)),
    "Dataset.is_ingested": always(of_table([True, True, False, False])),
    "Dataset.blob": lambda world: of_table(
        [is_npy_of(arrays.signals()), is_npy_of(arrays.pixels()), None, None]
    ),
    "Dataset.version": always(of_table([1, None, None, None])),
    "Feature.columns": always([["a", "b"], IMAGE_COLUMNS, ["0", "1"]]),
    "Feature.columns_excluded": always([None, ["0", "3", "5"], None]),
    "Feature.fitted_featurecoders": lambda world: [None, None, [hand.frame_fit()]],
    "Feature.dataset": links("Dataset", [1, 2, 4]),
    "FeatureInterpolater.idx": always([0]),
    "FeatureInterpolater.process_separately": always([True]),
    "FeatureInterpolater.interpolate_kwargs": always([LINEAR | {"axis": 0}]),
    "FeatureInterpolater.matching_columns": always([["b"]]),
    "FeatureInterpolater.leftover_columns": always([["a"]]),
    "FeatureInterpolater.leftover_dtypes": always([{"a": "float64"}]),
    "FeatureInterpolater.original_filter": always(
        [{"include": True, "dtypes": None, "columns": ["b"]}]
    ),
    "FeatureInterpolater.feature": links("Feature", [1]),
    "FeatureCoder.idx": always([0, 1, 0, 0]),
    "FeatureCoder.sklearn_preprocess": always(
        unfitted(StandardScaler, MinMaxScaler, StandardScaler, StandardScaler)
    ),
    "FeatureCoder.encoded_column_names": always([["a"], ["b"], IMAGE_COLUMNS, ["0", "1"]]),
    "FeatureCoder.matching_columns": always([["a"], ["b"], IMAGE_COLUMNS, ["0", "1"]]),
    "FeatureCoder.leftover_columns": always([["b"], [], [], []]),
    "FeatureCoder.leftover_dtypes": always([{"b": "float64"}, {}, {}, {}]),
    "FeatureCoder.original_filter": always(
        [
            {"include": True, "dtypes": None, "columns": columns}
            for columns in (["a"], None, None, None)
        ]
    ),
    "FeatureCoder.encoding_dimension": always(["2D_multiColumn"] * 4),
    "FeatureCoder.only_fit_train": always([True] * 4),
    "FeatureCoder.is_categorical": always([False] * 4),
    "FeatureCoder.feature": links("Feature", [1, 1, 2, 3]),
    "FeatureShaper.reshape_indices": always([(0, (1, 2)), (0, (1, 2, 3)), (0, (1, 2, 3))]),
    "FeatureShaper.column_position": always([1, 1, 1]),
    "FeatureShaper.feature": links("Feature", [1, 2, 3]),
    "Window.size_window": always([3]),
    "Window.size_shift": always([2]),
    "Window.window_count": always([18]),
    "Window.samples_unshifted": always([hand.window_rows()[0]]),
    "Window.samples_shifted": always([hand.window_rows()[1]]),
    "Window.feature": links("Feature", [3]),
    "Splitset.cache_path": cache_paths,
    "Splitset.cache_hot": always([True, True]),
    "Splitset.samples": stratified,
    "Splitset.sizes": always(
        [
            {"train": {"percent": 0.8, "count": 32}, "test": {"percent": 0.2, "count": 8}},
            {"train": {"percent": 0.75, "count": 13}, "test": {"percent": 0.25, "count": 5}},
        ]
    ),
    "Splitset.supervision": always(["supervised", "unsupervised"]),
    "Splitset.has_validation": always([False, False]),
    "Splitset.fold_count": always([2, None]),
    "Splitset.bin_count": always([None, None]),
    "Splitset.unsupervised_stratifyCol": always([None, None]),
    "Splitset.key_train": always(["folds_train_combined", "train"]),
    "Splitset.key_evaluation": always(["fold_validation", "test"]),
    "Splitset.key_test": always(["test", "test"]),
    "Splitset.version": always([None, None]),
    "Splitset.label": links("Label", [1, None]),
    "Splitset.predictor": always([None, None]),
    "Fold.idx": always([0, 1]),
    "Fold.samples": fold_samples,
    "Fold.fitted_labelcoder": lambda world: [OrdinalEncoder().fit([["calm"], ["wild"]])] * 2,
    "Fold.fitted_featurecoders": lambda world: [
        hand.fold_fits(hand.fold_train(id)) for id in (1, 2)
    ],
    "Fold.splitset": links("Splitset", [1, 1]),
    "Predictor.repeat_index": always([0, 0, 0]),
    "Predictor.time_started": moments,
    "Predictor.time_succeeded": moments,
    "Predictor.time_duration": always([Satisfies("seconds", lambda value: 0 <= value < 60)] * 3),
    "Predictor.model_file": model_files,
    "Predictor.features_shapes": always([[(8,), (45,)], [(8,), (45,)], (24,)]),
    "Predictor.label_shape": always([(1,), (1,), (24,)]),
    "Predictor.history": always([{}, {}, {}]),
    "Predictor.is_starred": always([False, False, False]),
    "Predictor.job": links("Job", [1, 2, 3]),
    "Prediction.predictions": results("predictions"),
    "Prediction.permute_count": always([2, 2, 0]),
    "Prediction.feature_importance": importances,
    "Prediction.probabilities": results("probabilities"),
    "Prediction.metrics": results("metrics"),
    "Prediction.metrics_aggregate": aggregates,
    "Prediction.plot_data": results("plots"),
}


def test_every_attribute_has_an_expectation() -> None:
    assert {row.place for row in ROWS} == set(EXPECTED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.place)
def test_attribute(row: SpecRow, world: Arrays) -> None:
    model = owner_of(row.owner)
    stored = list(model.select().order_by(model.id))
    expected = EXPECTED[row.place](world)
    assert len(expected) == len(stored) > 0
    for found, wanted in zip(stored, expected, strict=True):
        place = f"{row.owner}({found.id}).{row.member}"
        assert_same(getattr(found, row.member), wanted, place)


def test_cache_holds_what_the_hand_encodes(world: Arrays) -> None:
    for fold in orm.Fold.select():
        wanted = hand.encoded(hand.fold_train(fold.id))
        for split in TRAINED:
            found = orm.Splitset.fetch_cache(1, split, "features", fold.id)
            for part, whole in zip(found, wanted, strict=True):
                np.testing.assert_allclose(part, whole[fold.samples[split]], rtol=1e-6, atol=1e-6)
    unshifted, shifted = hand.window_rows()
    scaled = hand.frame_fit().transform(hand.by_column(arrays.frames())).reshape(COUNT, -1)
    for split, rows in orm.Splitset.of(2).samples.items():
        for kind, windows in (("features", unshifted), ("label", shifted)):
            found = orm.Splitset.fetch_cache(2, split, kind)
            wanted = scaled[np.array(windows)[rows]].reshape(len(rows), -1)
            np.testing.assert_allclose(found, wanted, rtol=1e-9)


def test_features_are_fetched_as_numpy_indexes_them(world: Arrays) -> None:
    samples = [39, 0, 0, 7]
    np.testing.assert_array_equal(
        orm.Feature.to_arr(2, samples=samples), hand.chosen_pixels()[samples], strict=True
    )
    np.testing.assert_array_equal(
        orm.Feature.to_arr(2, ["4"], [5]), arrays.pixels()[[5]][..., [4]], strict=True
    )
    np.testing.assert_array_equal(
        orm.Feature.to_df(1, ["b"], [3])[0]["b"], arrays.signals()[3, :, 1]
    )
    frame = orm.Feature.to_df(2, samples=[2])[0][1]
    assert frame.columns.tolist() == IMAGE_COLUMNS
    np.testing.assert_array_equal(frame, hand.chosen_pixels()[2, 1])
    assert orm.Feature.get_dtypes(2) == dict.fromkeys(IMAGE_COLUMNS, "uint8")
