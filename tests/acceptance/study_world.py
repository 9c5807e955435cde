"""Five small studies in one store: what the acceptance tests read back, attribute by attribute."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROW_COUNT = 101
CLASSES = ["aster", "daisy", "tulip"]
COLOURS = ["blue", "green", "red"]
#: rows of the given split, chosen by hand: no two blocks of them are alike
GIVEN = {
    "train": [row for row in range(ROW_COUNT) if row % 4 != 1],
    "validation": [row for row in range(ROW_COUNT) if row % 4 == 1],
}
#: what the regression's own fn_train returns as its history
HISTORY = {
    "loss": np.array([3.0, float("nan"), 0.1 + 0.2]),
    "val_loss": np.array([4.0, float("inf"), 1e-300]),
    "lr": np.array([0.5, 0.25, 0.125]),
}
FLOWER_FEATURES = ["colour", "width", "depth", "count", "flat"]


def flowers() -> pd.DataFrame:
    """Return the mixed table: text, floats, integers, a constant, and four targets."""
    random = np.random.default_rng(20220623)
    kinds = np.array(CLASSES)[np.arange(ROW_COUNT) % 3]
    at = np.arange(ROW_COUNT) % 3
    frame = pd.DataFrame(
        {
            "colour": np.array(COLOURS)[random.integers(0, 3, ROW_COUNT)],
            "width": 1e6 + 3.0 * at + random.normal(size=ROW_COUNT),
            "count": random.integers(-5, 6, ROW_COUNT),
            "depth": 0.001 * (at == 1) + random.normal(scale=0.0004, size=ROW_COUNT),
            "flat": np.full(ROW_COUNT, 7),
            "kind": kinds,
        }
    )
    frame["sick"] = np.where(frame["depth"] > 0.0005, "yes", "no")
    frame["price"] = 1000 + 50 * frame["count"] + random.normal(size=ROW_COUNT)
    # rows in another order than the one in which they were made
    return frame.sample(frac=1, random_state=7, ignore_index=True)


def toy_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from aiqc.training.toy_model import ToyModel

    return ToyModel(hidden=0)


def toy_optimize(**hp: Any) -> Any:
    from aiqc.training.toy_model import ToyDescent

    return ToyDescent(learning_rate=hp["learning_rate"])


def logistic_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=hp.get("C", 1.0), random_state=3)


def linear_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(alpha=hp["alpha"], random_state=3)


def linear_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    nan, inf = float("nan"), float("inf")
    history = {
        "loss": [3.0, nan, 0.1 + 0.2],
        "val_loss": [4.0, inf, 1e-300],
        "lr": [0.5, 0.25, 0.125],
    }
    return history, model.fit(train_features, train_label)


def linear_predict(model: Any, features: Any) -> Any:
    return model.predict(features)


def absolute_lose(**hp: Any) -> Any:
    from sklearn.metrics import mean_absolute_error

    return mean_absolute_error


def worst(true: Any, predicted: Any) -> float:
    return float(abs(true - predicted).max())


@dataclass
class World:
    """Where the store is, what went in, and when."""

    store: Path
    home: Path
    #: the shuffled file, and the same values as its own reader sees them
    file: Path
    frame: pd.DataFrame
    begun: datetime
    ended: datetime
    #: plain facts that a test wants to see again
    seen: dict[str, Any] = field(default_factory=dict)


def utc() -> datetime:
    """Return now, as the tables store it."""
    return datetime.now(UTC).replace(tzinfo=None)


def build_world(folder: Path) -> World:
    """Make every study, run every queue; the store is left connected."""
    import aiqc

    begun = utc()
    file = folder / "flowers.csv"
    flowers().to_csv(file, index=False)
    frame = pd.read_csv(file)
    aiqc.connect(folder / "store.sqlite3")
    world = World(folder / "store.sqlite3", folder / "home", file, frame, begun, begun)
    data = _datasets(world, folder)
    parts = _parts(data)
    splitsets = _splitsets(parts, world)
    queues = _queues(splitsets)
    for queue in queues:
        queue.run_jobs(progress=False)
    _annotate(world)
    world.ended = utc()
    return world


def _datasets(world: World, folder: Path) -> dict[str, Any]:
    from aiqc.orm import Dataset

    whole = Dataset.Tabular.from_path(str(world.file), name="flowers", description="shuffled rows")
    part = Dataset.Tabular.from_df(
        world.frame[["width", "count"]].head(4),
        rename_columns=["w", "c"],
        retype={"w": "float32", "c": np.int16},
        name="flowers",
    )
    bare = folder / "bare.tsv"
    bare.write_text("1\t2.5\n3\t\n", encoding="utf-8")
    remote = Dataset.Tabular.from_path(str(bare), ingest=False, header=None)
    onehot = Dataset.Tabular.from_df(pd.get_dummies(world.frame["kind"]))
    return {"whole": whole, "part": part, "remote": remote, "onehot": onehot}


def _parts(data: dict[str, Any]) -> dict[str, Any]:
    from sklearn.preprocessing import (
        LabelBinarizer,
        MinMaxScaler,
        OneHotEncoder,
        OrdinalEncoder,
        StandardScaler,
    )

    from aiqc.orm import Feature, FeatureCoder, Label, LabelCoder

    whole = data["whole"]
    mixed = Feature.from_dataset(whole.id, include_columns=FLOWER_FEATURES)
    FeatureCoder.from_feature(mixed.id, OneHotEncoder(), columns=["colour"], verbose=False)
    FeatureCoder.from_feature(mixed.id, StandardScaler(), dtypes=[np.float64], verbose=False)
    wide = Feature.from_dataset(whole, include_columns=["width"])
    FeatureCoder.from_feature(wide, StandardScaler(), verbose=False)
    rest = Feature.from_dataset(
        whole, exclude_columns=["colour", "width", "kind", "sick", "price"]
    )
    FeatureCoder.from_feature(rest, MinMaxScaler(), include=False, columns="flat", verbose=False)
    plain = Feature.from_dataset(data["onehot"])
    kind = Label.from_dataset(whole.id, ["kind"])
    LabelCoder.from_label(kind.id, OrdinalEncoder())
    sick = Label.from_dataset(whole, "sick")
    LabelCoder.from_label(sick, LabelBinarizer())
    price = Label.from_dataset(whole, "price")
    LabelCoder.from_label(price, StandardScaler())
    coded = Label.from_dataset(data["onehot"])
    return {
        "mixed": mixed,
        "wide": wide,
        "rest": rest,
        "plain": plain,
        "kind": kind,
        "sick": sick,
        "price": price,
        "coded": coded,
    }


def _splitsets(parts: dict[str, Any], world: World) -> dict[str, Any]:
    from aiqc.orm import Splitset

    multi = Splitset.make(
        [parts["mixed"].id], parts["kind"].id, 0.11, 0.21, name="flowers", description="the first"
    )
    folded = Splitset.make(
        [parts["wide"], parts["rest"]],
        parts["kind"],
        size_test=0.11,
        size_validation=0.21,
        fold_count=3,
        name="flowers",
    )
    price = Splitset.make(parts["mixed"], parts["price"], size_test=0.2, bin_count=4)
    sick = Splitset.make(parts["mixed"], parts["sick"], samples=GIVEN)
    alone = Splitset.make(parts["plain"], size_test=0.3, unsupervised_stratify_col="daisy")
    return {"multi": multi, "folded": folded, "price": price, "sick": sick, "alone": alone}


def _queues(splitsets: dict[str, Any]) -> list[Any]:
    from aiqc.orm import Algorithm, Hyperparamset, Queue

    toy = Algorithm.make("TOY", "classification_multi", toy_build, fn_optimize=toy_optimize)
    rates = Hyperparamset.from_algorithm(toy.id, {"learning_rate": [0.5, np.float64(1e-3)]})
    logistic = Algorithm.make("sklearn", "classification_multi", logistic_build)
    linear = Algorithm.make(
        *("sklearn", "regression", linear_build, linear_train, linear_predict, absolute_lose),
        metrics={"worst": worst},
    )
    grid = {"alpha": [0.1, 1, 10.0], "unused": "text"}
    alphas = Hyperparamset.from_algorithm(linear, grid, search_percent=0.5)
    binary = Algorithm.make("sklearn", "classification_binary", logistic_build)
    costs = Hyperparamset.from_algorithm(binary, {"C": [0.5, 2.0]}, search_count=2)
    return [
        Queue.from_algorithm(
            *(toy.id, splitsets["multi"].id), 2, 2, rates.id, description="two rates twice"
        ),
        Queue.from_algorithm(logistic, splitsets["folded"], permute_count=0),
        Queue.from_algorithm(
            linear, splitsets["price"], permute_count=0, hyperparamset_id=alphas, name="prices"
        ),
        Queue.from_algorithm(binary, splitsets["sick"], hyperparamset_id=costs),
    ]


def _annotate(world: World) -> None:
    from aiqc.orm import Label, Predictor

    Predictor.flip_star(2)
    before = Label.of(4).time_updated
    Label.set_info(4, name="coded", description="one-hot already")
    world.seen["label 4 was updated"] = before
