"""Declarations: names, arguments and defaults as documented; frozen; bad ones refused."""

from __future__ import annotations

import dataclasses
import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from mlops_studies import architecture, counts, declared, pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from toy_studies import points, toy_build

import aiqc.mlops
import aiqc.orm
from aiqc.core.errors import (
    AIQCError,
    Conflict,
    InvalidCoder,
    InvalidColumns,
    InvalidInput,
    InvalidSplit,
    RecordNotFound,
)
from aiqc.mlops import (
    Architecture,
    Dataset,
    Experiment,
    Inference,
    Input,
    Pipeline,
    Splitset,
    Stratifier,
    Target,
    Trainer,
)

pytestmark = pytest.mark.usefixtures("store")

#: what the issue writes: documented arguments in order, then ours after the star
SIGNATURES = {
    Pipeline: "inputs, target=None, stratifier=None, name=None, description=None, *, seed=None, "
    "force=False",
    Input: "dataset, exclude_columns=None, include_columns=None, interpolaters=None, window=None, "
    "encoders=None, reshape_indices=None",
    Input.Interpolater: "process_separately=True, verbose=False, interpolate_kwargs=None, "
    "dtypes=None, columns=None",
    Input.Window: "size_window, size_shift, record_shifted=True",
    Input.Encoder: "sklearn_preprocess, verbose=False, include=True, dtypes=None, columns=None",
    Target: "dataset, column=None, interpolater=None, encoder=None",
    Target.Interpolater: "process_separately=True, interpolate_kwargs=None",
    Target.Encoder: "sklearn_preprocess",
    Stratifier: "size_test=None, size_validation=None, fold_count=None, bin_count=None, "
    "unsupervised_stratify_col=None, *, stratify=True, samples=None, folds=None, groups=None, "
    "time=None",
    Architecture: "library, analysis_type, fn_build, fn_train=None, fn_optimize=None, "
    "fn_lose=None, fn_predict=None, hyperparameters=None, *, metrics=None",
    Trainer: "pipeline, repeat_count=1, permute_count=3, search_count=None, search_percent=None, "
    "*, seed=None",
    Experiment: "architecture, trainer, *, name=None, description=None, force=False",
    Inference: "predictor, input_datasets, target_dataset=None, record_shifted=False, *, "
    "force=False",
}
DECLARATIONS = [kind for kind in SIGNATURES if isinstance(kind, type)]


@pytest.mark.parametrize("item", SIGNATURES, ids=lambda item: item.__qualname__)
def test_signature(item: Any) -> None:
    parameters = inspect.signature(item).parameters.values()
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in parameters]
    assert str(inspect.Signature(plain)) == f"({SIGNATURES[item]})"


@pytest.mark.parametrize("item", SIGNATURES, ids=lambda item: item.__qualname__)
def test_every_argument_is_described_with_an_example(item: Any) -> None:
    text = inspect.getdoc(item) or ""
    described = text.partition("Parameters\n")[2].partition("Examples\n")[0]
    assert [name for name in inspect.signature(item).parameters if name not in described] == []
    assert f"{item.__qualname__}(" in text.partition("Examples\n")[2]


def test_star_import_gives_the_declarations_and_every_name_of_the_orm() -> None:
    names = {"Input", "Target", "Stratifier", "Pipeline"}
    names |= {"Architecture", "Trainer", "Experiment", "Inference"}
    assert set(aiqc.mlops.__all__) == names | set(aiqc.orm.__all__)
    assert len(aiqc.mlops.__all__) == len(set(aiqc.mlops.__all__))
    for name in aiqc.orm.__all__:
        assert getattr(aiqc.mlops, name) is getattr(aiqc.orm, name)


def test_importing_loads_no_heavy_library() -> None:
    heavy = "{'torch', 'tensorflow', 'keras', 'sklearn', 'scipy', 'plotly', 'PIL', 'dill'}"
    code = f"import sys; from aiqc.mlops import *; sys.exit(str({heavy} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stderr.strip() == "set()"


@pytest.mark.parametrize("kind", DECLARATIONS, ids=lambda kind: kind.__qualname__)
def test_declarations_are_frozen(kind: Any) -> None:
    required = [
        p.name for p in inspect.signature(kind).parameters.values() if p.default is p.empty
    ]
    made = kind(**dict.fromkeys(required, 1))
    for field in dataclasses.fields(made):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(made, field.name, None)


def test_declaring_writes_nothing() -> None:
    dataset = Dataset.Tabular.from_df(points())
    before = counts()
    declared(dataset)
    Trainer(1)
    architecture()
    assert counts() == before


def test_a_single_value_stands_for_a_list() -> None:
    dataset = Dataset.Tabular.from_df(points())
    several = Pipeline([Input(dataset.id, ["kind", "y"], encoders=[StandardScaler()])])
    one = Pipeline(
        Input(dataset, exclude_columns=("kind", "y"), encoders=Input.Encoder(StandardScaler()))
    )
    assert one == several
    assert one.features[0].columns == ["a", "b"]
    assert Pipeline(Input(dataset, include_columns="a")).features[0].columns == ["a"]


def test_the_callers_encoder_is_left_as_it_is() -> None:
    dataset = Dataset.Tabular.from_df(points())
    scaler = StandardScaler(copy=True)
    splitset = Pipeline(Input(dataset, include_columns=["a", "b"], encoders=scaler))
    splitset.cache_samples()
    assert not hasattr(scaler, "mean_")
    assert scaler.copy is True


#: arguments that no declaration takes, the error, and words that it names
WRONG: list[tuple[Any, type[AIQCError], list[str]]] = [
    (lambda d: Input(d, encoders="scale"), InvalidInput, ["encoders", "'scale'"]),
    (lambda d: Input(d, encoders=Input.Encoder), InvalidInput, ["encoders", "Input.Encoder"]),
    (lambda d: Input(d, interpolaters={"a": 1}), InvalidInput, ["interpolaters"]),
    (lambda d: Input(d, window=(3, 2)), InvalidInput, ["window", "(3, 2)"]),
    (lambda d: Target(d, "y", encoder=Input), InvalidInput, ["encoder"]),
    (lambda d: Target(d, "y", encoder=Input.Encoder(1)), InvalidInput, ["encoder"]),
    (lambda d: Target(d, "y", interpolater=True), InvalidInput, ["interpolater", "True"]),
    (lambda d: Trainer(d, repeat_count=0), InvalidInput, ["repeat_count=0"]),
    (lambda d: Trainer(d, repeat_count=True), InvalidInput, ["repeat_count=True"]),
    (lambda d: Trainer(d, permute_count=-1), InvalidInput, ["permute_count=-1"]),
    (lambda d: Pipeline([]), InvalidInput, ["inputs=[]"]),
    (lambda d: Pipeline(d), InvalidInput, ["inputs", "Input"]),
    (lambda d: Pipeline(Input(d), d), InvalidInput, ["target"]),
    (lambda d: Pipeline(Input(d), stratifier=0.2), InvalidInput, ["stratifier=0.2"]),
    (lambda d: Pipeline(Input(d), name=" "), InvalidInput, ["name"]),
    (lambda d: Pipeline(Input(d), description=7), InvalidInput, ["description"]),
    (lambda d: Pipeline(Input(d), seed=-1), InvalidInput, ["seed=-1"]),
    (lambda d: Pipeline(Input(99)), RecordNotFound, ["Dataset 99"]),
    (lambda d: Pipeline(Input(d, "nope")), InvalidColumns, ["nope", "exclude_columns"]),
    (lambda d: Pipeline(Input(d, None, ["a", "nope"])), InvalidColumns, ["include_columns"]),
    (
        lambda d: Pipeline(
            Input(d, encoders=Input.Encoder(OneHotEncoder(), columns=["kind", "y"])),
            Target(d, "y"),
        ),
        InvalidColumns,
        ["Input.Encoder", "'y', which is the target's", "Target.Encoder"],
    ),
    (
        lambda d: Pipeline(
            Input(d, "kind", interpolaters=Input.Interpolater(columns="a")), Target(d, "a")
        ),
        InvalidColumns,
        ["Input.Interpolater", "'a', which is the target's", "Target.Interpolater"],
    ),
    (lambda d: Pipeline(Input(d, "a", "b")), InvalidColumns, ["include_columns=['b']"]),
    (lambda d: Pipeline(Input(d, None, [])), InvalidColumns, ["include_columns=[] of Input("]),
    (
        lambda d: Pipeline(Input(d, None, ["a", "a"])),
        InvalidColumns,
        ["'a' is asked for twice of include_columns of Input(<Dataset 1>)."],
    ),
    (lambda d: Pipeline(Input(d), Target(d, "nope")), InvalidColumns, ["nope", "Target"]),
    (lambda d: Pipeline(Input(d, encoders=StandardScaler)), InvalidCoder, ["StandardScaler"]),
    (lambda d: Pipeline(Input(d, encoders=StandardScaler())), InvalidCoder, ["kind"]),
    (
        lambda d: Pipeline(Input(d, interpolaters=Input.Interpolater(True, False, "linear"))),
        InvalidInput,
        ["interpolate_kwargs='linear'"],
    ),
    (
        lambda d: Pipeline(
            Input(d), Target(d, "a", interpolater=Target.Interpolater(True, ["linear"]))
        ),
        InvalidInput,
        ["interpolate_kwargs=['linear']"],
    ),
    (
        lambda d: Pipeline(Input(d, ["kind", "y"]), None, Stratifier(0.2, stratify="no")),
        InvalidInput,
        ["stratify='no'"],
    ),
    (lambda d: Pipeline(Input(points())), InvalidInput, ["A DataFrame is not", "Dataset"]),
    (lambda d: Experiment(d, Trainer(1)), InvalidInput, ["architecture"]),
    (lambda d: Experiment(architecture(), 1), InvalidInput, ["trainer=1"]),
    (lambda d: Experiment(architecture(), Trainer(9)), RecordNotFound, ["Splitset 9"]),
]


@pytest.mark.parametrize(("call", "error", "words"), WRONG)
def test_refused(call: Any, error: type[AIQCError], words: list[str]) -> None:
    dataset = Dataset.Tabular.from_df(points())
    before = counts()
    with pytest.raises(error) as caught:
        call(dataset)
    assert type(caught.value) is error or error is RecordNotFound
    assert [word for word in words if word not in str(caught.value)] == []
    assert counts() == before


@pytest.mark.parametrize("argument", ["search_count", "search_percent"])
def test_a_search_without_hyperparameters_is_refused(argument: str) -> None:
    trainer = Trainer(pipeline(), **{argument: 1})
    with pytest.raises(InvalidInput, match=f"{argument}=1"):
        Experiment(architecture(hyperparameters=None), trainer)


def test_force_cannot_repeat_a_version() -> None:
    first = pipeline(name="study")
    before = counts()
    dataset = first.features[0].dataset
    with pytest.raises(Conflict, match="force=True"):
        Pipeline(**declared(dataset, name="study", force=True))
    in_other_words = Input(
        dataset,
        encoders=[
            Input.Encoder(StandardScaler(), columns=["a", "b"]),
            Input.Encoder(OneHotEncoder()),
        ],
    )
    with pytest.raises(Conflict, match="force=True"):
        Pipeline(**declared(dataset, name="study", force=True, inputs=in_other_words))
    assert counts() == before
    assert Pipeline(**declared(dataset, name="study", force=True, seed=1)).version == 2


def test_numpy_values_are_values() -> None:
    splitset = pipeline(stratifier=Stratifier(size_test=np.float64(0.25)), seed=np.int64(3))
    assert splitset == pipeline(seed=3)
    trainer = Trainer(np.int64(splitset.id), repeat_count=np.int64(2))
    assert Experiment(architecture(), trainer).total_runs == 4


def test_a_splitset_for_inference_trains_nothing() -> None:
    splitset = pipeline()
    Splitset.update(key_train=None).where(Splitset.id == splitset.id).execute()
    before = counts()
    with pytest.raises(InvalidSplit, match="inference"):
        Experiment(Architecture("toy", "classification_binary", toy_build), Trainer(splitset.id))
    assert counts() == before
