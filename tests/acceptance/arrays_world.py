"""Two studies of sequences and images in one store: what test_spec_003_arrays reads back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

COUNT = 40
KINDS = ["calm", "wild"]
LINEAR = {"method": "linear", "limit_direction": "both"}
#: columns of the images that are used
IMAGE_COLUMNS = ["1", "2", "4"]


def kinds() -> pd.DataFrame:
    """Return the target of each sample."""
    return pd.DataFrame({"kind": np.array(KINDS)[np.arange(COUNT) * 7 % 5 % 2]})


def signals() -> Any:
    """Return sequences `(samples, rows, columns)` with gaps in the second column."""
    random = np.random.default_rng(5)
    values = 100 + random.normal(size=(COUNT, 4, 2)) * [1, 30]
    values[:, :, 0] += 3 * (kinds()["kind"] == "wild").to_numpy()[:, np.newaxis]
    values[3, 1:3, 1] = values[7, 0, 1] = values[20, 3, 1] = np.nan
    return values


def pixels() -> Any:
    """Return colour images, channels first."""
    random = np.random.default_rng(6)
    return random.integers(0, 200, (COUNT, 3, 5, 6), dtype=np.uint8)


def frames() -> Any:
    """Return a series of matrices `(samples, rows, columns)`, to be windowed."""
    moments = np.arange(COUNT * 8.0).reshape(COUNT, 4, 2)
    return np.sin(moments / 9) * [5.0, 0.01] + [1000.0, 0.0]


def flat_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=0.01, max_iter=5000, random_state=3)


def flat_train(
    model: Any,
    loser: Any,
    optimizer: Any,
    train_features: Any,
    train_label: Any,
    eval_features: Any,
    eval_label: Any,
    **hp: Any,
) -> Any:
    import numpy

    return model.fit(numpy.hstack(train_features), train_label.ravel())


def flat_predict(model: Any, features: Any) -> Any:
    import numpy

    flat = numpy.hstack(features)
    return model.predict(flat), model.predict_proba(flat)[:, 1:]


def next_build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import Ridge

    return Ridge(random_state=3)


@dataclass
class Arrays:
    """Where the store and its files are."""

    store: Path
    home: Path
    images: Path
    urls: list[str]
    npy: Path


def build_arrays(folder: Path) -> Arrays:
    """Make both studies and run them; the store is left connected."""
    import aiqc

    images = folder / "images"
    images.mkdir()
    made = Arrays(
        store=folder / "store.sqlite3",
        home=folder / "home",
        images=images,
        urls=[str(images / f"{number}.png") for number in range(COUNT)],
        npy=folder / "frames.npy",
    )
    _write_files(made)
    aiqc.connect(made.store)
    _classification(made)
    _forecast(made)
    return made


def _write_files(made: Arrays) -> None:
    from PIL import Image

    for path, sample in zip(made.urls, pixels(), strict=True):
        Image.fromarray(np.moveaxis(sample, 0, -1)).save(path)
    np.save(made.npy, frames())


def _classification(made: Arrays) -> None:
    """Sequences and images together, in two folds."""
    from sklearn.preprocessing import MinMaxScaler, OrdinalEncoder, StandardScaler

    from aiqc import orm

    sequences = orm.Dataset.Sequence.from_numpy(
        signals(), None, ["a", "b"], None, "with gaps", "signals"
    )
    images = orm.Dataset.Image.from_folder(str(made.images), True)
    table = orm.Dataset.Tabular.from_df(kinds())
    first = orm.Feature.from_dataset(sequences.id)
    orm.FeatureInterpolater.from_feature(first.id, True, LINEAR, columns=["b"], verbose=False)
    orm.FeatureCoder.from_feature(first.id, StandardScaler(), columns="a", verbose=False)
    orm.FeatureCoder.from_feature(first.id, MinMaxScaler(), verbose=False)
    orm.FeatureShaper.from_feature(first.id, (0, (1, 2)))
    second = orm.Feature.from_dataset(images.id, IMAGE_COLUMNS)
    orm.FeatureCoder.from_feature(second.id, StandardScaler(), verbose=False)
    orm.FeatureShaper.from_feature(second.id, (0, (1, 2, 3)))
    label = orm.Label.from_dataset(table.id)
    orm.LabelCoder.from_label(label.id, OrdinalEncoder())
    splitset = orm.Splitset.make([first.id, second.id], label.id, 0.2, fold_count=2)
    algorithm = orm.Algorithm.make(
        "sklearn", "classification_binary", flat_build, flat_train, flat_predict
    )
    queue = orm.Queue.from_algorithm(algorithm.id, splitset.id, permute_count=2)
    queue.run_jobs(progress=False)


def _forecast(made: Arrays) -> None:
    """Windows of matrices that stay in their file; remote images beside them."""
    from sklearn.preprocessing import StandardScaler

    from aiqc import orm

    series = orm.Dataset.Sequence.from_numpy(str(made.npy))
    orm.Dataset.Image.from_urls(made.urls, "a bucket")
    feature = orm.Feature.from_dataset(series.id)
    orm.FeatureCoder.from_feature(feature.id, StandardScaler(), verbose=False)
    orm.Window.from_feature(feature.id, 3, 2)
    orm.FeatureShaper.from_feature(feature.id, (0, (1, 2, 3)))
    splitset = orm.Splitset.make([feature.id], None, 0.25)
    algorithm = orm.Algorithm.make("sklearn", "regression", next_build)
    orm.Queue.from_algorithm(algorithm.id, splitset.id, permute_count=0).run_jobs(progress=False)
