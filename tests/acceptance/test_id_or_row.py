"""Every method takes an id, a row, or is called on the row; nothing runs on a class alone."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_world import World

from aiqc import orm
from aiqc.core.errors import InvalidInput, RecordNotFound
from aiqc.orm._by_id import by_id
from aiqc.orm._registry import registry

#: arguments of the methods that need some
ARGUMENTS: dict[str, dict[str, Any]] = {
    "fetch_cache": {"split": "test", "label_features": "features"},
    "calc_featureImportance": {"permute_count": 1},
    "calcFeatureImportance": {"permute_count": 1},
    "set_info": {"description": "again"},
    **{
        name: {"call_display": False}
        for name in (
            *("plot_performance", "plot_learning_curve", "plot_feature_importance"),
            *("plot_roc_curve", "plot_precision_recall", "plot_confusion_matrix"),
            "plot_confidence",
        )
    },
}
#: methods that write: called on a copy of the store
WRITING = {
    *("flip_star", "set_info", "run_jobs", "cache_samples", "clear_cache"),
    *("calc_featureImportance", "calcFeatureImportance", "infer"),
}
#: a row on which the method has something to say, where that is not the first
ROWS = {
    ("Predictor", "plot_learning_curve"): 8,
    **{("Dataset", name): 5 for name in ("to_pillow", "open_array")},
    ("Feature", "open_array"): 5,
    ("Splitset", "infer"): 6,
}


@pytest.fixture(scope="module")
def wide(built: World, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Copy the studies and add a row of every table that they do not use."""
    import aiqc

    folder = tmp_path_factory.mktemp("wide")
    shutil.copytree(built.home, folder / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQC_HOME", str(folder / "home"))
        aiqc.connect(built.store)
        aiqc.backup(folder / "store.sqlite3")
        aiqc.connect(folder / "store.sqlite3")
        _add_rows(built)
    return replace(built, store=folder / "store.sqlite3", home=folder / "home")


def _add_rows(built: World) -> None:
    pixels = np.arange(60, dtype=np.uint8).reshape(4, 1, 3, 5)
    feature = orm.Feature.from_dataset(orm.Dataset.Image.from_numpy(pixels))
    orm.Window.from_feature(feature, 2, 1)
    orm.FeatureShaper.from_feature(feature, (0, 1, 3, 4))
    gaps = pd.DataFrame({"heat": [1.0, np.nan, 3.0, 4.0]})
    dataset = orm.Dataset.Tabular.from_df(gaps)
    orm.FeatureInterpolater.from_feature(orm.Feature.from_dataset(dataset), verbose=False)
    orm.LabelInterpolater.from_label(orm.Label.from_dataset(dataset))
    trained = orm.Predictor.of(1)
    columns = trained.job.queue.splitset.features[0].columns
    new = orm.Dataset.Tabular.from_df(built.frame[columns].head(3))
    orm.Splitset.make(orm.Feature.from_dataset(new), predictor_id=trained)
    ARGUMENTS["infer"] = {"inputs": built.frame[columns].head(2)}


@pytest.fixture
def world(wide: World, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """Reconnect the widened store, under its own home."""
    import aiqc

    assert private_home.exists(), "the test's own home comes first"
    monkeypatch.setenv("AIQC_HOME", str(wide.home))
    aiqc.connect(wide.store)
    return wide


def _methods() -> Iterator[tuple[type[Any], str]]:
    for model in registry():
        for name in dir(model):
            if isinstance(inspect.getattr_static(model, name), by_id):
                yield model, name


METHODS = sorted(_methods(), key=lambda pair: (pair[0].__name__, pair[1]))
every_method = pytest.mark.parametrize(
    ("model", "name"), METHODS, ids=[f"{model.__name__}.{name}" for model, name in METHODS]
)


def _arguments(model: type[Any], name: str) -> dict[str, Any]:
    if (model, name) == (orm.Splitset, "infer"):
        return {}
    return ARGUMENTS.get(name, {})


def _settled(value: Any) -> Any:
    """Return what a result leaves behind: of an opened array, its values."""
    if isinstance(value, AbstractContextManager):
        with value as source:
            return source.read()
    return value


def _same(left: Any, right: Any) -> bool:
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(_same, left, right))
    return bool(np.array_equal(_plain(left), _plain(right)))


def _plain(value: Any) -> Any:
    """Return what tells two results apart as something that can be compared."""
    if isinstance(value, pd.DataFrame):
        return value.to_json()
    if isinstance(value, orm.Prediction):
        return next(iter(value.predictions.values()))
    for words in ("to_json", "get_params"):  # of a figure, of an estimator
        if hasattr(value, words):
            return str(getattr(value, words)())
    if hasattr(value, "weights"):  # of a toy model
        return np.concatenate([np.ravel(weight) for weight in value.weights])
    return value


def test_the_methods_are_the_documented_ones() -> None:
    """What the specification documents with an id is here; a new method is tested at once."""
    from spec_rows import spec_rows

    documented = {
        (row.owner, row.member)
        for row in spec_rows()
        if row.argument == "id" and row.owner != "BaseModel"
    }
    found = {(model.__name__, name) for model, name in METHODS}
    assert documented <= found
    for model in registry():
        if issubclass(model, type(orm.Dataset()).__mro__[1]):
            base = {"created_at", "updated_at", "flip_star", "set_info"}
            assert {(model.__name__, name) for name in base} <= found


@every_method
def test_four_ways_are_one(
    model: type[Any], name: str, world: World, request: pytest.FixtureRequest
) -> None:
    if name in WRITING:
        request.getfixturevalue("copy_of_world")
    own = ROWS.get((model.__name__, name), 1)
    row = model.of(own)
    given = _arguments(model, name)
    calls = [
        lambda: getattr(model, name)(own, **given),
        lambda: getattr(model, name)(row, **given),
        lambda: getattr(model, name)(id=own, **given),
        lambda: getattr(model, name)(np.int64(own), **given),
        lambda: getattr(row, name)(**given),
    ]
    first, *others = [_settled(call()) for call in calls]
    for other in others:
        assert _same(first, other)


@every_method
@pytest.mark.parametrize("missing", [999, 0, -1, 2**70])
def test_a_missing_id_names_its_neighbours(
    model: type[Any], name: str, missing: int, world: World
) -> None:
    with pytest.raises(RecordNotFound) as caught:
        getattr(model, name)(missing, **_arguments(model, name))
    error = caught.value
    ids = [row.id for row in model.select(model.id).order_by(model.id)]
    nearest = sorted(sorted(ids, key=lambda own: abs(own - missing))[:3])
    assert (error.model, error.id, error.nearest) == (model.__name__, missing, nearest)
    assert f"{model.__name__} {missing}" in str(error)
    assert f"The nearest ids are {', '.join(map(str, nearest))}." in str(error)


@every_method
@pytest.mark.parametrize("wrong", ["1", 1.0, None, True, [1]], ids=repr)
def test_what_is_no_id_is_refused(model: type[Any], name: str, wrong: Any, world: World) -> None:
    with pytest.raises(InvalidInput) as caught:
        getattr(model, name)(wrong, **_arguments(model, name))
    assert f"{wrong!r} of type {type(wrong).__name__}" in str(caught.value)
    assert model.__name__ in caught.value.hint


@every_method
def test_a_row_of_another_table_is_refused(model: type[Any], name: str, world: World) -> None:
    other = orm.Dataset.of(1) if model is not orm.Dataset else orm.Queue.of(1)
    with pytest.raises(InvalidInput, match=rf"<{type(other).__name__} 1.* is not the id of"):
        getattr(model, name)(other, **_arguments(model, name))


def _counts() -> dict[str, int]:
    return {model.__name__: model.select().count() for model in registry()}


@every_method
def test_nothing_runs_on_a_class_without_an_id(model: type[Any], name: str, world: World) -> None:
    before = _counts()
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'id'"):
        getattr(model, name)(**_arguments(model, name))
    assert _counts() == before


@pytest.mark.parametrize("name", ["delete_instance", "delete_by_id", "save"])
@pytest.mark.parametrize("model", registry(), ids=lambda model: model.__name__)
def test_deleting_needs_an_id(model: type[Any], name: str, world: World) -> None:
    before = _counts()
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        getattr(model, name)()
    assert _counts() == before


@pytest.mark.parametrize("name", ["drop_table", "truncate_table"])
def test_a_table_is_not_emptied_by_its_class(name: str, copy_of_world: World) -> None:
    """DESIGN 3.1: nothing destructive can be called on a class without an id."""
    before = _counts()
    for model in registry():
        with pytest.raises((AttributeError, TypeError, InvalidInput)):
            getattr(model, name)()
    assert _counts() == before


def test_destroying_a_store_is_confirmed(copy_of_world: World) -> None:
    before = _counts()
    with pytest.raises(InvalidInput, match=r"confirm"):
        orm.destroy_db()
    assert _counts() == before
