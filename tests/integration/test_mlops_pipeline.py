"""Pipeline: the rows it makes, the rows it finds again, and what it leaves when it fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from mlops_studies import counts, declared, ids_given, pipeline
from sklearn.impute import SimpleImputer
from sklearn.model_selection import KFold
from sklearn.preprocessing import (
    LabelBinarizer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from toy_studies import make_splitset, points

from aiqc.core.errors import (
    AIQCError,
    DuplicateWarning,
    InvalidCoder,
    InvalidColumns,
    InvalidData,
    InvalidInput,
    InvalidSplit,
)
from aiqc.mlops import (
    Dataset,
    Feature,
    FeatureCoder,
    Input,
    Label,
    Pipeline,
    Splitset,
    Stratifier,
    Target,
)
from aiqc.mlops._columns import input_columns

if TYPE_CHECKING:
    from aiqc.orm._database import Metastore

ENCODERS = [
    Input.Encoder(StandardScaler(), dtypes="float64"),
    Input.Encoder(OneHotEncoder(), columns="kind"),
]


def test_the_rows_are_those_of_the_low_level_api(store: Metastore) -> None:
    by_hand, splitset = make_splitset(size_test=0.25), pipeline()
    assert splitset.sha256_hexdigest == by_hand.sha256_hexdigest
    assert (splitset.seed, splitset.samples) == (by_hand.seed, by_hand.samples)
    chains = [
        [
            (coder.idx, coder.sha256_hexdigest, coder.matching_columns, coder.original_filter)
            for coder in made.features[0].featurecoders.order_by(FeatureCoder.idx)
        ]
        for made in (by_hand, splitset)
    ]
    assert chains[0] == chains[1]
    assert len(chains[0]) == 2


def test_a_cell_that_is_run_again_returns_its_row_and_writes_nothing(store: Metastore) -> None:
    first = pipeline()
    before, last_ids = counts(), ids_given(store.path)
    dataset = first.features[0].dataset
    again = Pipeline(**declared(dataset))
    by_id = Pipeline(**declared(dataset.id))
    assert first.id == again.id == by_id.id
    assert counts() == before
    assert ids_given(store.path) == last_ids


def test_equal_data_registered_again_is_the_same_pipeline(store: Metastore) -> None:
    first = pipeline()
    before = counts()
    again = pipeline()  # a new Dataset row with the same content
    assert again == first
    assert again.features[0].dataset == first.features[0].dataset
    assert counts() == before | {"Dataset": before["Dataset"] + 1}


def test_a_name_gives_versions(store: Metastore) -> None:
    dataset = Dataset.Tabular.from_df(points())
    first = Pipeline(**declared(dataset, name="study", description="first"))
    again = Pipeline(**declared(dataset, name="study"))  # without a warning
    other = Pipeline(**declared(dataset, name="study", stratifier=Stratifier(size_test=0.5)))
    assert (first.version, other.version) == (1, 2)
    assert again == first
    assert first.description == "first"
    assert Pipeline(**declared(dataset, name="study")) == first, "not the newest of the name"


#: changes of a Pipeline on `points`, each of which is another study
CHANGES: dict[str, dict[str, Any]] = {
    "name": {"name": "another"},
    "seed": {"seed": 7},
    "size": {"stratifier": Stratifier(size_test=0.5)},
    "no stratifier": {"stratifier": None},
    "folds": {"stratifier": Stratifier(size_test=0.25, fold_count=2)},
    "validation": {"stratifier": Stratifier(size_test=0.25, size_validation=0.25)},
    "unstratified": {"stratifier": Stratifier(size_test=0.25, stratify=False)},
    "given samples": {
        "stratifier": Stratifier(samples={"train": range(24), "test": range(24, 48)})
    },
    "other given samples": {
        "stratifier": Stratifier(samples={"train": range(24, 48), "test": range(24)})
    },
    "grouped": {"stratifier": Stratifier(size_test=0.25, groups="a", stratify=False)},
    "chronological": {"stratifier": Stratifier(size_test=0.25, time="a", stratify=False)},
    "encoder parameter": {
        "encoders": [Input.Encoder(StandardScaler(with_mean=False), dtypes="float64"), ENCODERS[1]]
    },
    "encoder": {"encoders": [Input.Encoder(MinMaxScaler(), dtypes="float64"), ENCODERS[1]]},
    "order of encoders": {"encoders": ENCODERS[::-1]},
    "fewer columns encoded": {"encoders": [Input.Encoder(StandardScaler(), columns="a")]},
    "no encoders": {"encoders": None},
    "order of columns": {"include_columns": ["b", "a", "kind"]},
    "fewer columns": {"include_columns": ["a", "kind"]},
    "label's encoder": {"target_encoder": OrdinalEncoder()},
    "no label's encoder": {"target_encoder": None},
    "data": {"shift": 1e-9},
    "unsupervised": {"target": None, "exclude_columns": "y"},
    "two inputs": {"twice": True},
}


def changed(change: dict[str, Any]) -> Splitset:
    given = dict(change)
    dataset = Dataset.Tabular.from_df(points().assign(a=points()["a"] + given.pop("shift", 0)))
    encoder = given.pop("target_encoder", LabelBinarizer())
    made = Input(
        dataset,
        exclude_columns=given.pop("exclude_columns", None),
        include_columns=given.pop("include_columns", None),
        encoders=given.pop("encoders", ENCODERS),
    )
    inputs = [made, made] if given.pop("twice", False) else made
    arguments = {"inputs": inputs, "target": Target(dataset, "y", encoder=encoder)}
    return Pipeline(**declared(dataset, **arguments | given))


def test_given_rows_may_be_read_once_only(store: Metastore) -> None:
    """A splitter of scikit-learn yields its folds once; a Stratifier is read more than once."""
    dataset = Dataset.Tabular.from_df(points())
    splitter = KFold(3)
    found = [
        Pipeline(**declared(dataset, stratifier=Stratifier(folds=folds)))
        for folds in (splitter.split(points()), list(splitter.split(points())))
    ]
    assert found[0] == found[1]
    for fold, (train, held) in zip(found[0].folds, splitter.split(points()), strict=True):
        assert fold.samples["folds_train_combined"] == train.tolist()
        assert fold.samples["fold_validation"] == held.tolist()
    with pytest.raises(InvalidSplit, match=r"folds is 3, not a list"):
        Stratifier(folds=3)  # type: ignore[arg-type]


def test_other_content_is_another_row(store: Metastore) -> None:
    """Every change is another row than all others, and is itself found again."""
    made = {"nothing": changed({})}
    for change, arguments in CHANGES.items():
        made[change] = changed(arguments)
    assert len({row.id for row in made.values()}) == len(CHANGES) + 1
    before = counts()
    for change, arguments in CHANGES.items():
        assert changed(arguments) == made[change], change
    assert changed({}) == made["nothing"]
    grown = len(CHANGES) + 1
    assert counts() == before | {"Dataset": before["Dataset"] + grown}


#: the same Pipeline in other words; each has the identity of the first
SYNONYMS: dict[str, Any] = {
    "excluded": lambda d: Input(d, exclude_columns="y", encoders=ENCODERS),
    "included": lambda d: Input(d, None, ["a", "b", "kind"], encoders=ENCODERS),
    "with the target": lambda d: Input(d, None, ["a", "b", "kind", "y"], encoders=ENCODERS),
    "by column": lambda d: Input(
        d, encoders=[Input.Encoder(StandardScaler(), columns=["a", "b"]), OneHotEncoder()]
    ),
    "by other columns": lambda d: Input(
        d, encoders=[Input.Encoder(StandardScaler(), include=False, columns="kind"), ENCODERS[1]]
    ),
    "corrected": lambda d: Input(
        d, encoders=[ENCODERS[0], Input.Encoder(OneHotEncoder(sparse_output=False))]
    ),
    "verbose": lambda d: Input(
        d, encoders=[ENCODERS[0], Input.Encoder(OneHotEncoder(), verbose=True, dtypes="str")]
    ),
}


@pytest.mark.parametrize("words", SYNONYMS)
@pytest.mark.parametrize("name", [None, "study"])
def test_the_same_in_other_words_is_the_same_row(
    store: Metastore, words: str, name: str | None
) -> None:
    first = pipeline(name=name)
    before = counts()
    again = pipeline(name=name, inputs=SYNONYMS[words](Dataset.of(1)))
    assert again == first
    assert counts() == before | {"Dataset": before["Dataset"] + 1}


def test_force_repeats(store: Metastore) -> None:
    first = pipeline()
    before = counts()
    forced = Pipeline(**declared(1, force=True))
    new = {"Feature": 1, "FeatureCoder": 2, "Label": 1, "LabelCoder": 1}
    new |= {"Splitset": 1, "SplitsetFeature": 1}
    assert counts() == {table: n + new.get(table, 0) for table, n in before.items()}
    assert forced != first
    assert forced.samples == first.samples
    assert forced.features != first.features
    assert Pipeline(**declared(1)) == forced, "the newest is the one to go on with"


def test_the_two_caches_of_a_repeated_pipeline_are_both_right(store: Metastore) -> None:
    first, forced = pipeline(), pipeline(force=True)
    first.cache_samples()
    forced.cache_samples()
    train = [row.fetch_cache("train", "features") for row in (first, forced)]
    np.testing.assert_array_equal(*train)
    forced.clear_cache()
    np.testing.assert_array_equal(first.fetch_cache("train", "features"), train[0])


# the target never leaks


def shared(frame: pd.DataFrame) -> Dataset:
    return Dataset.Tabular.from_df(frame)


def with_target(frame: pd.DataFrame) -> tuple[Dataset, Dataset]:
    """Return a table for the inputs, and one that holds the target alone."""
    return shared(frame), shared(frame[["y"]])


def twice(frame: pd.DataFrame) -> tuple[Dataset, Dataset]:
    return shared(frame), shared(frame)


def once(frame: pd.DataFrame) -> tuple[Dataset, Dataset]:
    dataset = shared(frame)
    return dataset, dataset


LEAKS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all columns": ({}, ["a", "b", "kind"]),
    "others excluded": ({"exclude_columns": ["a"]}, ["b", "kind"]),
    "excluded already": ({"exclude_columns": ["kind", "y"]}, ["a", "b"]),
    "included": ({"include_columns": ["y", "b", "a"]}, ["b", "a"]),
    "included alone": ({"include_columns": "y"}, []),
    "all others excluded": ({"exclude_columns": ["a", "b", "kind"]}, []),
}


@pytest.mark.parametrize("register", [once, twice, with_target])
@pytest.mark.parametrize("case", LEAKS)
def test_the_target_is_never_among_the_inputs(store: Metastore, register: Any, case: str) -> None:
    frame = points()
    source, labels = register(frame)
    arguments, columns = LEAKS[case]
    before = counts()
    if columns:
        made = Pipeline(Input(source, **arguments), Target(labels, "y"))
        assert made.features[0].columns == columns
        assert made.label.columns == ["y"]
        return
    with pytest.raises(InvalidColumns, match="target"):
        Pipeline(Input(source, **arguments), Target(labels, "y"))
    assert counts() == before


@pytest.mark.parametrize("register", [once, twice])
def test_a_target_of_all_columns_leaves_none_for_the_input(
    store: Metastore, register: Any
) -> None:
    frame = pd.get_dummies(points()["y"]).astype("int64")
    source, labels = register(frame)
    before = counts()
    with pytest.raises(InvalidColumns, match="every column of the Dataset is the target"):
        Pipeline(Input(source), Target(labels))
    assert counts() == before
    made = Pipeline(Input(shared(points()), exclude_columns="y"), Target(labels))
    assert made.label.columns == ["no", "yes"]


def test_every_column_of_a_one_hot_target_is_left_out(store: Metastore) -> None:
    frame = points()[["a"]].join(pd.get_dummies(points()["y"]).astype("int64"))
    source = shared(frame)
    made = Pipeline(Input(source), Target(source, ["no", "yes"]))
    assert made.features[0].columns == ["a"]
    assert made.label.columns == ["no", "yes"]


def test_it_is_left_out_of_each_of_several_inputs(store: Metastore) -> None:
    source = shared(points())
    made = Pipeline(
        [Input(source, include_columns=["a", "y"]), Input(shared(points()), "a")],
        Target(source, "y"),
    )
    assert [feature.columns for feature in made.features] == [["a"], ["b", "kind"]]


def test_a_column_of_the_same_name_and_other_values_stays(store: Metastore) -> None:
    """Yesterday's value under the target's name is a feature, not the target."""
    frame = points().assign(y=points()["y"].to_numpy()[::-1])
    made = Pipeline(Input(shared(frame)), Target(shared(points()), "y"))
    assert made.features[0].columns == ["a", "b", "kind", "y"]


#: how a target is retyped: (its values, as the inputs hold them, as the target holds them)
RETYPED: list[tuple[Any, str, str]] = [
    ([0, 1] * 4, "int64", "float64"),
    ([0, 1] * 4, "int8", "int64"),
    ([0, 1] * 4, "bool", "int64"),
    ([0, 1] * 4, "str", "int64"),
    ([0, 1] * 4, "int64", "str"),
    ([0, 1] * 4, "Int64", "float32"),
    (np.linspace(0, 1, 8), "float32", "float64"),
    (np.linspace(0, 1, 8), "float64", "float32"),
    (np.linspace(0, 1, 8), "str", "float64"),
]


@pytest.mark.parametrize(("values", "held", "wanted"), RETYPED)
def test_a_target_that_was_retyped_is_still_the_target(
    store: Metastore, values: Any, held: str, wanted: str
) -> None:
    frame = pd.DataFrame({"a": np.arange(8.0), "y": values})
    source = Dataset.Tabular.from_df(frame, retype={"y": held})
    labels = Dataset.Tabular.from_df(frame, retype={"y": wanted})
    assert source.get_dtypes()["y"] == held
    assert labels.get_dtypes()["y"] == wanted
    assert Pipeline(Input(source), Target(labels, "y")).features[0].columns == ["a"]


@pytest.mark.parametrize("other", [["no", "yes"] * 4, [1, 0] * 4, [0.25, 1.25] * 4])
def test_other_values_of_another_dtype_stay(store: Metastore, other: list[Any]) -> None:
    frame = pd.DataFrame({"a": np.arange(8.0), "y": other})
    source = Input(shared(frame))
    assert input_columns(source, Target(shared(frame.assign(y=[0, 1] * 4)), "y")) == ["a", "y"]


def test_missing_values_do_not_hide_the_target(store: Metastore) -> None:
    """NaN is not equal to NaN; the column is the target's all the same."""
    frame = pd.DataFrame({"a": np.arange(8.0), "x": np.arange(8.0)})
    frame.loc[[2, 5], "a"] = np.nan
    source = Input(shared(frame.assign(z=1)))
    assert input_columns(source, Target(shared(frame), "a")) == ["x", "z"]


# all or nothing


#: what changes in a Pipeline on `points` so that it fails half-way, and the error
BROKEN: dict[str, tuple[Any, type[AIQCError]]] = {
    "second encoder": (
        lambda d: {"inputs": Input(d, encoders=[*ENCODERS, OrdinalEncoder()])},
        InvalidColumns,
    ),
    "unfitting encoder": (
        lambda d: {"inputs": Input(d, encoders=[ENCODERS[1], SimpleImputer(strategy="x")])},
        InvalidCoder,
    ),
    "second input": (
        lambda d: {"inputs": [Input(d, encoders=ENCODERS), Input(d, encoders=StandardScaler())]},
        InvalidCoder,
    ),
    "other length": (
        lambda d: {"inputs": [Input(d, encoders=ENCODERS), Input(shared(points(12)), "y")]},
        InvalidSplit,
    ),
    "label's encoder": (
        lambda d: {"target": Target(d, "y", encoder=StandardScaler())},
        InvalidCoder,
    ),
    "label": (
        lambda d: {"inputs": Input(d, encoders=ENCODERS[1]), "target": Target(d, ["a", "b"])},
        InvalidData,
    ),
    "size": (lambda _: {"stratifier": Stratifier(size_test=1.5)}, InvalidSplit),
    "folds": (lambda _: {"stratifier": Stratifier(size_test=0.25, fold_count=1)}, InvalidSplit),
    "samples": (lambda _: {"stratifier": Stratifier(samples={"train": [0, 1]})}, InvalidSplit),
    "groups": (lambda _: {"stratifier": Stratifier(groups="nope")}, InvalidColumns),
    "stratify column": (
        lambda _: {"target": None, "stratifier": Stratifier(unsupervised_stratify_col="nope")},
        InvalidColumns,
    ),
}


def test_what_fails_leaves_no_rows(any_store: Metastore) -> None:
    dataset = shared(points())
    for case, (changes, error) in BROKEN.items():
        arguments = declared(dataset, **changes(dataset))
        before = counts()
        with pytest.raises(error):
            Pipeline(**arguments)
        assert counts() == before, case
    assert Pipeline(**declared(dataset)).features[0].columns == ["a", "b", "kind"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_leaves_no_rows(
    store: Metastore, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    dataset = shared(points())
    before = counts()
    make = FeatureCoder.from_feature

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        if FeatureCoder.select().count() == 1:
            raise error
        return make(*args, **kwargs)

    monkeypatch.setattr(FeatureCoder, "from_feature", interrupted)
    with pytest.raises(error):
        Pipeline(**declared(dataset))
    assert counts() == before


def test_two_at_once_make_one_row(any_store: Metastore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both look before either has written; the second finds the first one's row at the end."""
    from aiqc.mlops import pipeline as module
    from aiqc.orm._database import connection_context

    dataset = shared(points())
    before = counts()
    barrier = threading.Barrier(2, timeout=60)
    look = module.declared_before

    def looked(*args: Any) -> Any:
        found = look(*args)
        barrier.wait()
        return found

    monkeypatch.setattr(module, "declared_before", looked)
    made: list[Any] = []

    def declare() -> None:
        with connection_context():
            try:
                made.append(Pipeline(**declared(dataset.id)).id)
            except Exception as error:  # noqa: BLE001 - the assertion shows it
                made.append(error)

    threads = [threading.Thread(target=declare) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [made[0]] * 2
    new = {"Feature": 1, "FeatureCoder": 2, "Label": 1, "LabelCoder": 1}
    new |= {"Splitset": 1, "SplitsetFeature": 1}
    assert counts() == {table: n + new.get(table, 0) for table, n in before.items()}


def test_a_row_in_use_elsewhere_is_never_taken_back(store: Metastore) -> None:
    """What others made by hand from the same data stays as it is."""
    dataset = shared(points())
    feature, label = Feature.from_dataset(dataset), Label.from_dataset(dataset, "y")
    with pytest.raises(InvalidInput):
        Pipeline(**declared(dataset, stratifier=Stratifier(size_test=2)))
    assert Feature.of(feature.id).columns == ["a", "b", "kind", "y"]
    assert Label.of(label.id).columns == ["y"]


def test_a_named_row_made_by_hand_is_found_without_a_warning(store: Metastore) -> None:
    by_hand = make_splitset(size_test=0.25)
    by_hand.set_info(name="study")
    assert pipeline(name="study") == by_hand
    with pytest.warns(DuplicateWarning):
        Splitset.make(by_hand.features[0], by_hand.label, size_test=0.25, name="study")
