"""Ten PyTorch and five Keras jobs of a Queue beside the same fits in a plain script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import _study
from benchmarks._harness import Cost, Figure, compared, cost, fresh_store

#: a job of about 0.4 s, as the notes time its peers
TORCH_JOBS, TORCH_EPOCHS = 10, 80
KERAS_JOBS, KERAS_EPOCHS = 5, 20
REPEATS = 7


def measure() -> list[Figure]:
    """Time run_jobs without permutation; the plain script fits, predicts and scores alike."""
    figures = []
    for library, jobs, epochs, plain in (
        ("pytorch", TORCH_JOBS, TORCH_EPOCHS, _plain_torch),
        ("keras", KERAS_JOBS, KERAS_EPOCHS, _plain_keras),
    ):
        with fresh_store():
            ours, theirs = _costs(library, jobs, epochs, plain)
        name = f"run_jobs / plain script, {jobs} {library} jobs"
        figures.extend(compared(name, ours, theirs, at_most=1.10))
    return figures


def _costs(
    library: str, jobs: int, epochs: int, plain: Callable[..., Any]
) -> tuple[list[Cost], list[Cost]]:
    from aiqc.orm import Algorithm, Hyperparamset, Queue

    splits = _study.splitset(_study.frame())
    build, train = {
        "pytorch": (_study.torch_build, _study.torch_train),
        "keras": (_study.keras_build, _study.keras_train),
    }[library]
    algorithm = Algorithm.make(library, "regression", build, train)
    space = Hyperparamset.from_algorithm(algorithm, {"epochs": [epochs]})

    def queue(repeats: int) -> Any:
        return Queue.from_algorithm(
            algorithm, splits, repeats, permute_count=0, hyperparamset_id=space
        )

    arrays = {
        name: (
            np.asarray(splits.fetch_cache(name, "features"), np.float32),
            np.asarray(splits.fetch_cache(name, "label"), np.float32),
        )
        for name in ("train", "validation", "test")
    }
    queue(1).run_jobs(progress=False)
    plain(arrays, 1, epochs)
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for turn in range(REPEATS):
        trained = queue(jobs)
        run = partial(trained.run_jobs, progress=False)
        script = partial(plain, arrays, jobs, epochs)
        if turn % 2:
            theirs.append(cost(script))
            ours.append(cost(run))
        else:
            ours.append(cost(run))
            theirs.append(cost(script))
        assert trained.runs_completed == jobs
        scores = trained.metrics_df().query("split == 'test'")["r2"]
        assert scores.min() > 0.5, scores
    return ours, theirs


def _score(true: Any, predicted: Any) -> list[float]:
    from sklearn import metrics

    names = ("r2_score", "mean_squared_error", "explained_variance_score", "mean_absolute_error")
    return [float(getattr(metrics, name)(true, predicted)) for name in names]


def _plain_torch(arrays: dict[str, Any], jobs: int, epochs: int) -> None:
    import torch

    tensors = {
        name: (torch.from_numpy(features), torch.from_numpy(label))
        for name, (features, label) in arrays.items()
    }
    loser = torch.nn.L1Loss()
    for _ in range(jobs):
        model = _study.torch_build((_study.COLUMNS,), (1,))
        optimizer = torch.optim.Adamax(model.parameters(), lr=0.01)
        features, label = tensors["train"]
        for _ in range(epochs):
            model.train()
            for rows in torch.randperm(len(features)).split(32):
                if len(rows) < 32:
                    continue
                optimizer.zero_grad()
                loser(model(features[rows]), label[rows]).backward()
                optimizer.step()
            model.eval()
            with torch.no_grad():
                for name in ("train", "validation"):
                    float(loser(model(tensors[name][0]), tensors[name][1]))
        with torch.no_grad():
            for features_of, label_of in tensors.values():
                predicted = model(features_of)
                float(loser(predicted, label_of))
                _score(label_of.numpy(), predicted.numpy())


def _plain_keras(arrays: dict[str, Any], jobs: int, epochs: int) -> None:
    import keras

    for _ in range(jobs):
        model = _study.keras_build((_study.COLUMNS,), (1,))
        model.compile(
            loss=keras.losses.MeanAbsoluteError(), optimizer=keras.optimizers.Adamax(0.01)
        )
        model.fit(
            *arrays["train"],
            validation_data=arrays["validation"],
            epochs=epochs,
            batch_size=32,
            verbose=0,
        )
        for features, label in arrays.values():
            predicted = model.predict(features, verbose=0)
            float(keras.losses.MeanAbsoluteError()(label, predicted))
            _score(label, predicted)
