"""Every optional argument of spec/003 does what the text says: none is taken and ignored.

Each is given another value than its default, and what it changes is compared with what numpy,
pandas or a hand say. `test_spec_003_steps.py` does so for interpolaters, windows and shapers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from spec_rows import REQUIRED, SpecRow, spec_rows

import aiqc
from aiqc import orm

#: looked at by test_spec_003_steps.py
STEPS = {"LabelInterpolater", "FeatureInterpolater", "FeatureShaper", "Window"}
ROWS = [
    row
    for row in spec_rows()
    if row.kind == "argument" and row.default != REQUIRED and row.owner not in STEPS
]
DRAW = np.random.default_rng(11)
COUNT = 60
FRAME = pd.DataFrame(
    {
        "a": DRAW.normal(size=COUNT),
        "b": DRAW.normal(size=COUNT) * 10,
        "n": DRAW.integers(0, 9, COUNT),
        "kind": np.array(["calm", "wild"])[np.arange(COUNT) % 2],
    }
)
FRAME["a"] += 2 * (FRAME["kind"] == "wild")
FRAME["price"] = 5 * FRAME["a"] + FRAME["b"]
SEQUENCES = DRAW.normal(size=(7, 4, 3))
PIXELS = DRAW.integers(0, 256, (7, 1, 5, 3), dtype=np.uint8)
NAMES = ["p", "q", "r"]


def build(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=hp.get("C", 1.0), random_state=3)


def build_linear(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def train_with_history(
    model: Any, loser: Any, optimizer: Any, x: Any, y: Any, ex: Any, ey: Any, **hp: Any
) -> Any:
    return {"loss": [9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0]}, model.fit(x, y.ravel())


def predict_nothing(model: Any, features: Any) -> Any:
    import numpy

    return numpy.zeros(len(features))


def lose_hundred(**hp: Any) -> Any:
    return lambda true, predicted: 100.0


@dataclass
class Ground:
    """One store with files beside it, and models that are trained once."""

    folder: Path
    table: Any = None
    label: Any = None
    feature: Any = None
    queue: Any = None
    predictor: Any = None
    prediction: Any = None

    def new_feature(self, **columns: Any) -> Any:
        """Return a Feature of the table that nothing uses."""
        return orm.Feature.from_dataset(self.table, **columns)

    def split(self, **options: Any) -> Any:
        """Return a Splitset of the table, by default for classification."""
        return orm.Splitset.make(self.feature, self.label, **options)

    def price_split(self, **options: Any) -> Any:
        price = orm.Label.from_dataset(self.table, "price")
        return orm.Splitset.make(self.new_feature(include_columns=["a"]), price, **options)

    def regression(self, **functions: Any) -> Any:
        """Return the metrics of a regression with some functions."""
        algorithm = orm.Algorithm.make("sklearn", "regression", build_linear, **functions)
        queue = orm.Queue.from_algorithm(algorithm, self.price_split(size_test=0.5), 1, 0)
        queue.run_jobs(progress=False)
        return queue.jobs[0].predictors[0]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    from PIL import Image

    folder = tmp_path_factory.mktemp("arguments")
    (folder / "images").mkdir()
    for number, sample in enumerate(PIXELS):
        Image.fromarray(sample[0]).save(folder / "images" / f"{number}.png")
    FRAME.to_csv(folder / "table.csv", index=False)
    np.save(folder / "three.npy", SEQUENCES)
    np.save(folder / "four.npy", PIXELS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQC_HOME", str(folder / "home"))
        return _trained(Ground(folder))


def _trained(ground: Ground) -> Ground:
    aiqc.connect(ground.folder / "store.sqlite3")
    ground.table = orm.Dataset.Tabular.from_df(FRAME)
    ground.label = orm.Label.from_dataset(ground.table, "kind")
    orm.LabelCoder.from_label(ground.label, OrdinalEncoder())
    ground.feature = ground.new_feature(include_columns=["a", "b", "n"])
    algorithm = orm.Algorithm.make("sklearn", "classification_binary", build, train_with_history)
    space = orm.Hyperparamset.from_algorithm(algorithm, {"C": [0.0001, 0.01, 1.0]})
    splitset = ground.split(size_test=0.2, size_validation=0.2)
    ground.queue = orm.Queue.from_algorithm(algorithm, splitset, 1, 4, space)
    ground.queue.run_jobs(progress=False)
    ground.predictor = ground.queue.jobs[0].predictors[0]
    ground.prediction = ground.predictor.predictions[0]
    return ground


@pytest.fixture
def ground(built: Ground, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    assert private_home.exists(), "the test's own home comes first"
    monkeypatch.setenv("AIQC_HOME", str(built.folder / "home"))
    aiqc.connect(built.folder / "store.sqlite3")
    return built


Effect = Callable[[Ground], tuple[Any, Any]]
#: 'Class.method.argument' -> what is found with it, and what it must be
EFFECTS: dict[str, Effect] = {}


def effects(method: str, **given: Effect) -> None:
    """Note what arguments of a method do."""
    EFFECTS.update({f"{method}.{argument}": effect for argument, effect in given.items()})


# --- data ---------------------------------------------------------------------------------------

BOTH = FRAME[["a", "b"]]
effects(
    "BaseModel.set_info",
    name=lambda g: (g.label.set_info(name="the kind").name, "the kind"),
    description=lambda g: (g.label.set_info(description="of day").description, "of day"),
)
effects(
    "Dataset.Tabular.from_df",
    dataframe=lambda g: (orm.Dataset.Tabular.from_df(dataframe=BOTH).shape["columns"], 2),
    df=lambda g: (orm.Dataset.Tabular.from_df(df=BOTH).shape["columns"], 2),
    rename_columns=lambda g: (
        orm.Dataset.Tabular.from_df(BOTH, rename_columns=["q", "p"]).to_df()["q"].tolist(),
        BOTH["a"].tolist(),
    ),
    retype=lambda g: (
        orm.Dataset.Tabular.from_df(BOTH, retype={"b": "float32"}).to_df()["b"].to_numpy(),
        BOTH["b"].to_numpy(np.float32),
    ),
    description=lambda g: (orm.Dataset.Tabular.from_df(BOTH, description="d").description, "d"),
    name=lambda g: (
        [orm.Dataset.Tabular.from_df(BOTH + n, name="both").version for n in range(3)],
        [1, 2, 3],
    ),
)


def from_path(g: Ground, **options: Any) -> Any:
    return orm.Dataset.Tabular.from_path(str(g.folder / "table.csv"), **options)


effects(
    "Dataset.Tabular.from_path",
    ingest=lambda g: (from_path(g, ingest=False).blob, None),
    rename_columns=lambda g: (from_path(g, rename_columns=list("vwxyz")).columns, list("vwxyz")),
    retype=lambda g: (from_path(g, retype={"n": "int8"}).dtypes["n"], "int8"),
    header=lambda g: (from_path(g, header=None).to_df().iloc[0].tolist(), list(FRAME.columns)),
    description=lambda g: (from_path(g, description="d").description, "d"),
    name=lambda g: (from_path(g, name="table").version, 1),
)

#: the four ways to register arrays: (call, pixels or sequences as float64, ingested by default)
WAYS: dict[str, tuple[Callable[..., Any], Any, bool]] = {
    "Dataset.Sequence.from_numpy": (
        lambda g, **o: orm.Dataset.Sequence.from_numpy(str(g.folder / "three.npy"), **o),
        SEQUENCES,
        False,
    ),
    "Dataset.Image.from_numpy": (
        lambda g, **o: orm.Dataset.Image.from_numpy(str(g.folder / "four.npy"), **o),
        PIXELS,
        False,
    ),
    "Dataset.Image.from_folder": (
        lambda g, **o: orm.Dataset.Image.from_folder(str(g.folder / "images"), **o),
        PIXELS,
        False,
    ),
    "Dataset.Image.from_urls": (
        lambda g, **o: orm.Dataset.Image.from_urls(
            [str(g.folder / "images" / f"{number}.png") for number in range(7)], **o
        ),
        PIXELS,
        False,
    ),
}


def note_ways(method: str) -> None:
    register, values, ingested = WAYS[method]
    effects(
        method,
        ingest=lambda g: (
            [register(g).is_ingested, register(g, ingest=True).is_ingested],
            [ingested, True],
        ),
        rename_columns=lambda g: (
            register(g, rename_columns=NAMES).to_arr(columns=["r", "p"]),
            values[..., [2, 0]],
        ),
        retype=lambda g: (
            register(g, ingest=True, retype="float32").to_arr(),
            values.astype(np.float32),
        ),
        description=lambda g: (register(g, description="d").description, "d"),
        name=lambda g: (
            [register(g, name=method).version, register(g, name=method, retype="f4").version],
            [1, 2],
        ),
    )


for way in WAYS:
    note_ways(way)
effects(
    "Dataset.Image.from_urls",
    source_path=lambda g: (
        WAYS["Dataset.Image.from_urls"][0](g, source_path="bucket").source_path,
        "bucket",
    ),
)


def sequence(g: Ground) -> Any:
    return WAYS["Dataset.Sequence.from_numpy"][0](g, rename_columns=NAMES)


def image(g: Ground) -> Any:
    return WAYS["Dataset.Image.from_folder"][0](g)


SOME = [5, 0, 5]
effects(
    "Dataset.to_arr",
    columns=lambda g: (sequence(g).to_arr(columns=["q"]), SEQUENCES[..., [1]]),
    samples=lambda g: (sequence(g).to_arr(samples=SOME), SEQUENCES[SOME]),
)
effects(
    "Dataset.to_df",
    columns=lambda g: (
        [frame.columns.tolist() for frame in sequence(g).to_df(columns=["r", "q"])],
        [["r", "q"]] * 7,
    ),
    samples=lambda g: (
        np.array([frame.to_numpy() for frame in sequence(g).to_df(samples=SOME)]),
        SEQUENCES[SOME],
    ),
)
effects(
    "Dataset.to_pillow",
    samples=lambda g: (
        np.array([np.asarray(one) for one in image(g).to_pillow(samples=SOME)]),
        PIXELS[SOME, 0],
    ),
)
effects(
    "Dataset.get_dtypes",
    columns=lambda g: (g.table.get_dtypes(columns=["n", "kind"]), {"n": "int64", "kind": "str"}),
)
effects(
    "Feature.from_dataset",
    include_columns=lambda g: (g.new_feature(include_columns=["n", "a"]).columns, ["n", "a"]),
    exclude_columns=lambda g: (
        g.new_feature(exclude_columns=["n", "a"]).columns,
        ["b", "kind", "price"],
    ),
)
for owner, part in (("Feature", "feature"), ("Label", "label")):
    last = {"Feature": "n", "Label": "kind"}[owner]
    effects(
        f"{owner}.to_arr",
        columns=lambda g, part=part, last=last: (
            getattr(g, part).to_arr(columns=[last]).ravel().tolist(),
            FRAME[last].tolist(),
        ),
        samples=lambda g, part=part, last=last: (
            getattr(g, part).to_arr(samples=SOME)[:, -1].tolist(),
            FRAME[last].iloc[SOME].tolist(),
        ),
    )
    effects(
        f"{owner}.to_df",
        columns=lambda g, part=part, last=last: (
            getattr(g, part).to_df(columns=[last]).columns.tolist(),
            [last],
        ),
        samples=lambda g, part=part, last=last: (
            getattr(g, part).to_df(samples=SOME)[last].tolist(),
            FRAME[last].iloc[SOME].tolist(),
        ),
    )
    effects(
        f"{owner}.get_dtypes",
        columns=lambda g, part=part, last=last: (
            list(getattr(g, part).get_dtypes(columns=[last])),
            [last],
        ),
    )
effects(
    "Label.from_dataset",
    columns=lambda g: (orm.Label.from_dataset(g.table, columns=["n"]).columns, ["n"]),
)


def coder(g: Ground, **options: Any) -> Any:
    feature = g.new_feature(include_columns=["a", "b", "n"])
    return orm.FeatureCoder.from_feature(feature, MinMaxScaler(), **options)


effects(
    "FeatureCoder.from_feature",
    include=lambda g: (coder(g, include=False, columns=["b"]).matching_columns, ["a", "n"]),
    dtypes=lambda g: (coder(g, dtypes=["int64"]).matching_columns, ["n"]),
    columns=lambda g: (coder(g, columns=["b"]).matching_columns, ["b"]),
)

# --- samples ------------------------------------------------------------------------------------


def sizes(splitset: Any) -> dict[str, int]:
    return {name: len(rows) for name, rows in splitset.samples.items()}


def shares(splitset: Any, values: pd.Series) -> Any:
    """Return the count of each value in the test split."""
    return values.iloc[splitset.samples["test"]].value_counts().sort_index().tolist()


def unsupervised(g: Ground, **options: Any) -> Any:
    return orm.Splitset.make(g.new_feature(include_columns=["a", "n"]), size_test=0.2, **options)


def inference(g: Ground) -> Any:
    new = g.new_feature(include_columns=["a", "b", "n"])
    return orm.Splitset.make(new, predictor_id=g.predictor.id)


effects(
    "Splitset.make",
    label_id=lambda g: (orm.Splitset.make(g.feature.id, label_id=g.label.id).label, g.label),
    size_test=lambda g: (sizes(g.split(size_test=0.3)), {"train": 42, "test": 18}),
    size_validation=lambda g: (
        sizes(g.split(size_validation=0.3)),
        {"train": 42, "validation": 18},
    ),
    bin_count=lambda g: (
        shares(
            g.price_split(size_test=0.2, bin_count=6),
            pd.qcut(FRAME["price"], 6, labels=False),
        ),
        [2] * 6,
    ),
    fold_count=lambda g: (
        [len(fold.samples["fold_validation"]) for fold in g.split(fold_count=4).folds],
        [15] * 4,
    ),
    unsupervised_stratify_col=lambda g: (
        unsupervised(g, unsupervised_stratify_col="n", bin_count=2).unsupervised_stratifyCol,
        "n",
    ),
    name=lambda g: (
        [g.split(size_test=share, name="days").version for share in (0.2, 0.3)],
        [1, 2],
    ),
    description=lambda g: (g.split(description="all train").description, "all train"),
    predictor_id=lambda g: (inference(g).predictor, g.predictor),
)


def cached(g: Ground, **options: Any) -> Any:
    feature = g.new_feature(include_columns=["a", "b"])
    orm.FeatureCoder.from_feature(feature, StandardScaler(), verbose=False)
    splitset = orm.Splitset.make(feature, g.label, fold_count=2)
    return splitset, splitset.folds.order_by(orm.Fold.idx)


def of_fold(g: Ground) -> tuple[Any, Any]:
    splitset, folds = cached(g)
    rows = folds[1].samples
    values = FRAME[["a", "b"]].to_numpy()
    scaler = StandardScaler().fit(values[rows["folds_train_combined"]])
    found = splitset.fetch_cache("fold_validation", "features", fold_id=folds[1].id)
    return found.round(9), scaler.transform(values[rows["fold_validation"]]).round(9)


effects(
    "Splitset.fetch_cache",
    fold_id=of_fold,
    library=lambda g: (
        str(g.queue.splitset.fetch_cache("test", "features", library="pytorch").dtype),
        "torch.float32",
    ),
)

# --- models -------------------------------------------------------------------------------------


def fitted(**options: Any) -> Any:
    """Return the weight and history of a torch model that counts the rows of its batches."""
    import torch

    from aiqc.utils.pytorch import fit

    class Counter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))
            self.seen: list[int] = []

        def forward(self, rows: Any) -> Any:
            if torch.is_grad_enabled():
                self.seen.append(len(rows))
            return rows * self.weight

    model = Counter()
    rows = torch.arange(11.0).reshape(11, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.0)
    given = {"epochs": 1, "batch_size": 5} | options
    made, history = fit(model, torch.nn.MSELoss(), optimizer, rows, rows, **given)
    return made.seen, history


def evaluation() -> dict[str, Any]:
    import torch

    rows = torch.ones(4, 1)
    return {"eval_features": rows, "eval_label": 3 * rows}


def metric() -> Any:
    from torchmetrics import MeanAbsoluteError

    return MeanAbsoluteError()


effects(
    "utils.pytorch.fit",
    eval_features=lambda g: (fitted(**evaluation())[1]["val_loss"].tolist(), [9.0]),
    eval_label=lambda g: ("val_loss" in fitted()[1], False),
    epochs=lambda g: (len(fitted(epochs=3)[1]["loss"]), 3),
    batch_size=lambda g: (fitted(batch_size=4)[0], [4, 4]),
    enforce_sameSize=lambda g: (fitted(batch_size=4, enforce_sameSize=False)[0], [4, 4, 3]),
    allow_singleSample=lambda g: (
        [fitted(enforce_sameSize=False, allow_singleSample=single)[0] for single in (False, True)],
        [[5, 5], [5, 5, 1]],
    ),
    metrics=lambda g: (
        sorted(fitted(metrics=[metric()])[1]),
        ["loss", "mean_absolute_error"],
    ),
)
effects(
    "Algorithm.make",
    fn_train=lambda g: (
        g.regression(fn_train=train_with_history).history["loss"][:2].tolist(),
        [9.0, 8.0],
    ),
    fn_predict=lambda g: (
        set(g.regression(fn_predict=predict_nothing).predictions[0].predictions["test"]),
        {0.0},
    ),
    fn_lose=lambda g: (
        g.regression(fn_lose=lose_hundred).predictions[0].metrics["test"]["loss"],
        100.0,
    ),
    fn_optimize=lambda g: (
        "lose_hundred"
        in orm.Algorithm.make(
            "toy", "regression", build_linear, fn_optimize=lose_hundred
        ).get_code()["fn_optimize"],
        True,
    ),
)


def combos(g: Ground, **options: Any) -> int:
    space = {"C": list(range(1, 11))}
    row = orm.Hyperparamset.from_algorithm(g.queue.algorithm, space, **options)
    found: int = row.hyperparamcombos.count()
    return found


def queue(g: Ground, **options: Any) -> Any:
    return orm.Queue.from_algorithm(g.queue.algorithm, g.queue.splitset, **options)


effects(
    "Hyperparamset.from_algorithm",
    search_count=lambda g: (combos(g, search_count=4), 4),
    search_percent=lambda g: (combos(g, search_percent=0.25), 3),
)
effects(
    "Queue.from_algorithm",
    repeat_count=lambda g: (queue(g, repeat_count=5).total_runs, 5),
    permute_count=lambda g: (
        [
            len(facts["loss_impacts"])
            for facts in g.prediction.feature_importance[str(g.feature.id)].values()
        ],
        [4, 4, 4],
    ),
    hyperparamset_id=lambda g: (
        queue(g, hyperparamset_id=g.queue.hyperparamset.id).total_runs,
        3,
    ),
    description=lambda g: (queue(g, description="again").description, "again"),
)

# --- tables and figures -------------------------------------------------------------------------


def drawn(figure: go.Figure) -> int:
    """Return how many models a performance figure shows."""
    return int(figure.layout.title.subtitle.text.partition(" ")[0])


def performance(g: Ground, **options: Any) -> Any:
    return g.queue.plot_performance(call_display=False, **options)


def shown_or_none(call: Callable[..., Any]) -> tuple[Any, Any]:
    """Return what a plot gives when it displays and when not, and what it must give."""
    shown: list[go.Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLOTLY_RENDERER", "json")
        patch.setattr(go.Figure, "show", lambda figure: shown.append(figure))
        given = call(call_display=True)
        displayed = len(shown)
        returned = call(call_display=False)
    figures = returned if isinstance(returned, list) else [returned]
    is_figures = all(isinstance(figure, go.Figure) for figure in figures)
    return (given, displayed, is_figures, len(shown)), (None, len(figures), True, displayed)


def losses(g: Ground) -> pd.DataFrame:
    """Return the worst loss and score of each model."""
    table = g.queue.metrics_df()
    return table.groupby("predictor_id").agg({"loss": "max", "accuracy": "min", "f1": "min"})


effects(
    "Queue.plot_performance",
    call_display=lambda g: shown_or_none(g.queue.plot_performance),
    max_loss=lambda g: (
        drawn(performance(g, max_loss=float(losses(g)["loss"].median()))),
        int((losses(g)["loss"] <= losses(g)["loss"].median()).sum()),
    ),
    min_score=lambda g: (
        drawn(performance(g, min_score=float(losses(g)["accuracy"].max()))),
        int((losses(g)["accuracy"] >= losses(g)["accuracy"].max()).sum()),
    ),
    score_type=lambda g: (
        performance(g, score_type="f1").layout.yaxis.title.text.partition(" ")[0].lower(),
        "f1",
    ),
    height=lambda g: (performance(g, height=777).layout.height, 777),
)


def sorted_by(g: Ground, name: str, **options: Any) -> list[float]:
    found: list[float] = g.queue.metrics_df(sort_by=name, **options)[name].tolist()
    return found


def all_losses(g: Ground) -> list[float]:
    return [split["loss"] for job in g.queue.jobs for split in _metrics(job).values()]


def _metrics(job: Any) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = job.predictors[0].predictions[0].metrics
    return found


effects(
    "Queue.metrics_df",
    selected_metrics=lambda g: (
        g.queue.metrics_df(selected_metrics=["f1"]).columns.tolist()[-2:],
        ["split", "f1"],
    ),
    sort_by=lambda g: (sorted_by(g, "loss"), sorted(all_losses(g), reverse=True)),
    ascending=lambda g: (sorted_by(g, "loss", ascending=True), sorted(all_losses(g))),
)


def aggregate(g: Ground, **options: Any) -> pd.DataFrame:
    found: pd.DataFrame = g.queue.metricsAggregate_df(**options)
    return found


def mean_losses(g: Ground) -> list[float]:
    return [
        float(np.mean([split["loss"] for split in _metrics(job).values()])) for job in g.queue.jobs
    ]


LOSS = {"selected_metrics": ["loss"], "sort_by": "mean"}
effects(
    "Queue.metricsAggregate_df",
    ascending=lambda g: (
        aggregate(g, ascending=True, **LOSS)["mean"].tolist(),
        pytest.approx(sorted(mean_losses(g))),
    ),
    selected_metrics=lambda g: (set(aggregate(g, selected_metrics=["f1"])["metric"]), {"f1"}),
    selected_stats=lambda g: (
        aggregate(g, selected_stats=["median"]).columns.tolist()[-2:],
        ["metric", "median"],
    ),
    sort_by=lambda g: (
        aggregate(g, **LOSS)["mean"].tolist(),
        pytest.approx(sorted(mean_losses(g), reverse=True)),
    ),
)
effects(
    "Predictor.get_hyperparameters",
    as_pandas=lambda g: (g.predictor.get_hyperparameters(as_pandas=False), {"C": 0.0001}),
)


def curve_lengths(g: Ground, *, skip_head: bool) -> list[int]:
    figures = g.predictor.plot_learning_curve(skip_head=skip_head, call_display=False)
    return [len(trace.y) for figure in figures for trace in figure.data]


effects(
    "Predictor.plot_learning_curve",
    # 15 % of 7 epochs is one
    skip_head=lambda g: (
        [curve_lengths(g, skip_head=skip)[0] for skip in (False, True)],
        [7, 6],
    ),
    call_display=lambda g: shown_or_none(g.predictor.plot_learning_curve),
)
effects(
    "Prediction.importance_df",
    top_n=lambda g: (len(g.prediction.importance_df(top_n=2)), 2),
    feature_id=lambda g: (
        set(g.prediction.importance_df(feature_id=g.feature.id)["FeatureID"]),
        {g.feature.id},
    ),
)


def importance(g: Ground, **options: Any) -> go.Figure:
    figures = g.prediction.plot_feature_importance(call_display=False, **options)
    assert len(figures) == 1
    return figures[0]


effects(
    "Prediction.plot_feature_importance",
    call_display=lambda g: shown_or_none(g.prediction.plot_feature_importance),
    top_n=lambda g: (
        list(importance(g, top_n=2).layout.yaxis.ticktext),
        g.prediction.importance_df(top_n=2)["Feature"].tolist(),
    ),
    height=lambda g: (importance(g, height=321).layout.height, 321),
    margin_left=lambda g: (importance(g, margin_left=222).layout.margin.l, 222),
)
effects(
    "Prediction.plot_roc_curve",
    call_display=lambda g: shown_or_none(g.prediction.plot_roc_curve),
)
effects(
    "Prediction.plot_precision_recall",
    call_display=lambda g: shown_or_none(g.prediction.plot_precision_recall),
)
effects(
    "Prediction.plot_confusion_matrix",
    call_display=lambda g: shown_or_none(g.prediction.plot_confusion_matrix),
)


def confidence(g: Ground, **options: Any) -> go.Figure:
    found: go.Figure = g.prediction.plot_confidence(call_display=False, **options)
    return found


effects(
    "Prediction.plot_confidence",
    prediction_index=lambda g: (
        f"sample {g.queue.splitset.samples['test'][7]} "
        in confidence(g, prediction_index=7).layout.title.text,
        True,
    ),
    height=lambda g: (confidence(g, height=432).layout.height, 432),
    call_display=lambda g: shown_or_none(g.prediction.plot_confidence),
    split_name=lambda g: (
        confidence(g, split_name="validation").layout.title.text.partition(",")[0],
        "validation",
    ),
)


def test_every_optional_argument_has_an_effect() -> None:
    """`verbose` speaks; test_it_speaks listens."""
    spoken = {"FeatureCoder.from_feature.verbose"}
    assert {row.place for row in ROWS} == set(EFFECTS) | spoken


@pytest.mark.parametrize("row", [r for r in ROWS if r.place in EFFECTS], ids=lambda r: r.place)
def test_effect(row: SpecRow, ground: Ground) -> None:
    if row.owner == "utils.pytorch" or row.argument == "library":
        pytest.importorskip("torch")
    found, expected = EFFECTS[row.place](ground)
    if isinstance(expected, np.ndarray):
        np.testing.assert_array_equal(found, expected)
        assert np.asarray(found).dtype == expected.dtype
    else:
        assert found == expected


@pytest.mark.parametrize("verbose", [True, False])
def test_it_speaks(verbose: bool, ground: Ground, capsys: pytest.CaptureFixture[str]) -> None:
    """What was corrected is said, or not."""
    feature = ground.new_feature(include_columns=["kind"])
    orm.FeatureCoder.from_feature(feature, OneHotEncoder(), verbose=verbose)
    assert ("sparse_output" in capsys.readouterr().err) is verbose


def test_a_header_is_no_row_by_default(ground: Ground) -> None:
    assert from_path(ground).shape["samples"] == COUNT
