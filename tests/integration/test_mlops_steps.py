"""Steps of an Input and a Target: made in their order with their arguments, and found again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from mlops_studies import counts, ids_given
from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler

from aiqc.core.errors import AIQCError, Incompatible, InvalidColumns, InvalidInput
from aiqc.mlops import (
    Dataset,
    FeatureCoder,
    FeatureInterpolater,
    FeatureShaper,
    Input,
    Label,
    LabelCoder,
    LabelInterpolater,
    Pipeline,
    Splitset,
    Stratifier,
    Target,
    Window,
)

if TYPE_CHECKING:
    from aiqc.orm._database import Metastore

LINEAR = {"method": "linear", "limit_direction": "both"}
INTERPOLATER = Input.Interpolater(interpolate_kwargs=LINEAR, columns="temperature")
STEPS: dict[str, Any] = {
    "interpolaters": [INTERPOLATER, Input.Interpolater(process_separately=False)],
    "encoders": [
        Input.Encoder(StandardScaler(), columns="wind"),
        Input.Encoder(MinMaxScaler()),
    ],
    "window": Input.Window(4, 2),
    "reshape_indices": (0, (1, 2)),
}


def weather(count: int = 40) -> pd.DataFrame:
    """Return two series with gaps, and one without."""
    hour = np.arange(count, dtype="float64")
    frame = pd.DataFrame({"temperature": np.sin(hour / 3), "wind": hour % 7, "rain": hour**2})
    frame.loc[[3, 17], "temperature"] = np.nan
    frame.loc[[8, 9], "wind"] = np.nan
    return frame


def forecast(**changes: Any) -> Splitset:
    dataset = Dataset.Tabular.from_df(weather())
    return Pipeline(
        Input(dataset, **STEPS | changes), stratifier=Stratifier(size_test=0.25), seed=1
    )


def test_each_step_has_its_arguments(store: Metastore) -> None:
    feature = forecast().features[0]
    assert feature.columns == ["temperature", "wind", "rain"]
    interpolaters = list(FeatureInterpolater.select().order_by(FeatureInterpolater.idx))
    assert [row.matching_columns for row in interpolaters] == [["temperature"], ["wind", "rain"]]
    assert [row.process_separately for row in interpolaters] == [True, False]
    assert interpolaters[0].interpolate_kwargs == LINEAR | {"axis": 0}
    coders = list(FeatureCoder.select().order_by(FeatureCoder.idx))
    assert [row.matching_columns for row in coders] == [["wind"], ["temperature", "rain"]]
    assert [type(row.sklearn_preprocess) for row in coders] == [StandardScaler, MinMaxScaler]
    window, shaper = Window.get(), FeatureShaper.get()
    assert (window.size_window, window.size_shift, window.record_shifted) == (4, 2, True)
    assert shaper.reshape_indices == (0, (1, 2))
    owners = {row.feature.id for row in (*interpolaters, *coders, window, shaper)}
    assert owners == {feature.id}


def test_steps_are_made_in_the_order_in_which_they_run(
    store: Metastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    for table in (FeatureShaper, Window, FeatureCoder, FeatureInterpolater):
        make = table.from_feature

        def noted(*args: Any, _make: Any = make, _name: str = table.__name__, **more: Any) -> Any:
            called.append(_name)
            return _make(*args, **more)

        monkeypatch.setattr(table, "from_feature", noted)
    forecast()
    assert called == [
        *["FeatureInterpolater"] * 2,
        *["FeatureCoder"] * 2,
        "Window",
        "FeatureShaper",
    ]


def test_a_cell_that_is_run_again_writes_nothing(store: Metastore) -> None:
    first = forecast()
    dataset = first.features[0].dataset
    before, last_ids = counts(), ids_given(store.path)
    again = Pipeline(Input(dataset, **STEPS), stratifier=Stratifier(size_test=0.25), seed=1)
    assert again == first
    assert counts() == before
    assert ids_given(store.path) == last_ids


#: changes of the steps, each of which is another study
CHANGES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "size of windows": {"window": Input.Window(3, 2)},
    "shift": {"window": Input.Window(4, 3)},
    "no shifted windows": {"window": Input.Window(4, 2, record_shifted=False)},
    "no window": {"window": None, "reshape_indices": None},
    "no shape": {"reshape_indices": None},
    "shape": {"reshape_indices": (0, "1", 1, 2)},
    "arguments": {
        "interpolaters": [
            Input.Interpolater(columns="temperature"),
            Input.Interpolater(process_separately=False),
        ]
    },
    "separately": {"interpolaters": [INTERPOLATER, Input.Interpolater()]},
    "order of interpolaters": {
        "interpolaters": [
            Input.Interpolater(process_separately=False, columns=["wind", "rain"]),
            Input.Interpolater(interpolate_kwargs=LINEAR),
        ]
    },
    "encoder": {"encoders": [Input.Encoder(StandardScaler(with_std=False)), MinMaxScaler()][:1]},
}


def test_other_steps_are_another_row(store: Metastore) -> None:
    made = {change: forecast(**steps) for change, steps in CHANGES.items()}
    assert len({row.id for row in made.values()}) == len(CHANGES)
    before = counts()
    assert {change: forecast(**steps) for change, steps in CHANGES.items()} == made
    assert counts() == before | {"Dataset": before["Dataset"] + len(CHANGES)}


#: steps that cannot be made, the error, and a word that it names
IMPOSSIBLE: list[tuple[dict[str, Any], type[AIQCError], str]] = [
    ({"window": Input.Window(40, 2)}, InvalidInput, "window"),
    ({"window": Input.Window(0, 2)}, InvalidInput, "size_window"),
    ({"reshape_indices": (0, 2, 1)}, AIQCError, "reshape_indices"),
    ({"interpolaters": Input.Interpolater(columns="nope")}, InvalidColumns, "nope"),
    (
        {"interpolaters": Input.Interpolater(interpolate_kwargs={"method": "guess"})},
        InvalidInput,
        "guess",
    ),
]


def test_an_impossible_step_leaves_no_rows(any_store: Metastore) -> None:
    dataset = Dataset.Tabular.from_df(weather())
    before = counts()
    for changes, error, word in IMPOSSIBLE:
        with pytest.raises(error, match=word):
            Pipeline(Input(dataset, **STEPS | changes))
        assert counts() == before, word


def test_a_target_with_gaps(store: Metastore) -> None:
    dataset = Dataset.Tabular.from_df(weather())

    def make() -> Splitset:
        return Pipeline(
            Input(dataset, include_columns="rain"),
            Target(
                dataset,
                "temperature",
                interpolater=Target.Interpolater(interpolate_kwargs=LINEAR),
                encoder=StandardScaler(),
            ),
            Stratifier(size_test=0.25),
        )

    first = make()
    before = counts()
    assert make() == first
    assert counts() == before
    interpolater = LabelInterpolater.get()
    assert interpolater.process_separately is True
    assert interpolater.interpolate_kwargs == LINEAR | {"axis": 0}
    assert (interpolater.label, LabelCoder.get().label) == (first.label, first.label)
    other = Pipeline(
        Input(dataset, include_columns="rain"),
        Target(dataset, "temperature", Target.Interpolater(), StandardScaler()),
        Stratifier(size_test=0.25),
    )
    assert other != first


def test_a_label_that_stays_missing_leaves_no_rows(store: Metastore) -> None:
    dataset = Dataset.Tabular.from_df(weather())
    before = counts()
    with pytest.raises(InvalidInput, match="temperature"):
        Pipeline(Input(dataset, include_columns="rain"), Target(dataset, "temperature"))
    assert counts() == before


def test_a_target_that_cannot_be_filled_leaves_no_rows(store: Metastore) -> None:
    frame = weather().assign(kind=["a", "b"] * 20)
    dataset = Dataset.Tabular.from_df(frame)
    before = counts()
    with pytest.raises(AIQCError):
        Pipeline(
            Input(dataset, include_columns="rain"),
            Target(dataset, "kind", Target.Interpolater(), OrdinalEncoder()),
        )
    assert counts() == before
    assert Label.select().count() == 0


def test_a_window_with_a_target_is_refused(store: Metastore) -> None:
    dataset = Dataset.Tabular.from_df(weather())
    before = counts()
    with pytest.raises((InvalidInput, Incompatible)):
        Pipeline(
            Input(dataset, include_columns="temperature", window=Input.Window(4, 2)),
            Target(dataset, "rain"),
        )
    assert counts() == before
