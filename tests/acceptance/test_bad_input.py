"""Bad input: a typed error that names the value and the next step, and nothing is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import bad_shelf as shelves
import numpy as np
import pandas as pd
import pytest
from bad_shelf import Shelf, digest_of, table
from sklearn.preprocessing import LabelBinarizer, OneHotEncoder, OrdinalEncoder, StandardScaler

import aiqc
from aiqc import orm
from aiqc.core import errors as e
from aiqc.orm import (
    Algorithm,
    Dataset,
    Feature,
    FeatureCoder,
    FeatureInterpolater,
    FeatureShaper,
    Fold,
    Hyperparamset,
    Label,
    LabelCoder,
    LabelInterpolater,
    Prediction,
    Predictor,
    Queue,
    Splitset,
    Window,
)
from aiqc.orm._registry import registry

NAN = float("nan")
Tabular = Dataset.Tabular


class Case(NamedTuple):
    """One bad call."""

    name: str
    call: Callable[[Shelf], Any]
    error: type[e.AIQCError]
    #: what the whole text says of the offending value and its place
    value: str
    #: what the last sentence says to do
    step: str


def _frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


def _named(*names: Any) -> pd.DataFrame:
    return pd.DataFrame([range(len(names))] * 3, columns=pd.Index(names, dtype=object))


DATA = [
    Case(
        "a list is no frame",
        lambda s: Tabular.from_df([1, 2]),
        *(e.InvalidData, r"list came: \[1, 2\]", r"pd\.DataFrame"),
    ),
    Case(
        "nothing is no frame",
        lambda s: Tabular.from_df(),
        *(e.InvalidData, r"NoneType came: None", r"pd\.DataFrame"),
    ),
    Case(
        "an array is no frame",
        lambda s: Tabular.from_df(np.zeros((2, 2))),
        *(e.InvalidData, r"ndarray came", r"pd\.DataFrame"),
    ),
    Case(
        "no rows and no columns",
        lambda s: Tabular.from_df(pd.DataFrame()),
        *(e.InvalidData, r"empty: 0 rows and 0 columns", r"at least one row"),
    ),
    Case(
        "no rows",
        lambda s: Tabular.from_df(table().head(0)),
        *(e.InvalidData, r"empty: 0 rows and 6 columns", r"at least one row"),
    ),
    Case(
        "an empty file",
        lambda s: Tabular.from_path(str(s.folder / "empty.csv")),
        *(e.InvalidData, r"empty\.csv", r"\w"),
    ),
    Case(
        "a ragged file",
        lambda s: Tabular.from_path(str(s.folder / "ragged.csv")),
        *(e.InvalidData, r"ragged\.csv.*(line|row) 3", r"\w"),
    ),
    Case(
        "no such file",
        lambda s: Tabular.from_path(str(s.folder / "gone.csv")),
        *(e.InvalidInput, r"gone\.csv", r"\w"),
    ),
    Case(
        "an unknown ending",
        lambda s: Tabular.from_path(str(s.folder / "notes.xlsx")),
        *(e.InvalidInput, r"notes\.xlsx", r"\.csv"),
    ),
    Case(
        "one name twice",
        lambda s: Tabular.from_df(_named("a", "b", "a")),
        *(e.InvalidData, r"columns 0 and 2 have one name: 'a'", r"rename_columns"),
    ),
    Case(
        "1 and '1'",
        lambda s: Tabular.from_df(_named(1, "1")),
        *(e.InvalidData, r"columns 0 and 1 have one name: 1, '1'", r"rename_columns"),
    ),
    Case(
        "one name twice after renaming",
        lambda s: Tabular.from_df(_named("a", "b"), rename_columns=["c", "c"]),
        *(e.InvalidData, r"columns 0 and 1 have one name: 'c'", r"rename_columns"),
    ),
    Case(
        "one name twice in a file",
        lambda s: Tabular.from_path(str(s.folder / "twice.csv")),
        *(e.InvalidData, r"'a'", r"\w"),
    ),
    Case(
        "an empty name",
        lambda s: Tabular.from_df(_named("a", "")),
        *(e.InvalidData, r"position 1 has no name: ''", r"Name every column"),
    ),
    Case(
        "a NaN name",
        lambda s: Tabular.from_df(_named("a", NAN)),
        *(e.InvalidData, r"position 1 has no name: nan", r"Name every column"),
    ),
    Case(
        "a blank new name",
        lambda s: Tabular.from_df(_named("a", "b"), rename_columns=["c", " "]),
        *(e.InvalidData, r"position 1 has no name: ' '", r"Name every column"),
    ),
    Case(
        "too few new names",
        lambda s: Tabular.from_df(table(), rename_columns=["a", "b"]),
        *(e.InvalidInput, r"rename_columns has 2 names for 6 columns", r"Give 6 names"),
    ),
    Case(
        "too many new names for a file",
        lambda s: Tabular.from_path(str(s.folder / "twice.csv"), rename_columns=list("abcd")),
        *(e.InvalidInput, r"(4 names for 3 columns|'a')", r"\w"),
    ),
    Case(
        "mixed types",
        lambda s: Tabular.from_df(_frame(a=[1, "one", 2.5])),
        *(e.InvalidData, r"'a'.*(int|str)", r"\w"),
    ),
    Case(
        "lists in a column",
        lambda s: Tabular.from_df(_frame(a=[[1], [2]])),
        *(e.InvalidData, r"'a'.*list", r"\w"),
    ),
    Case(
        "an index of text",
        lambda s: Tabular.from_df(_frame(a=[1, 2]).set_axis(["x", "y"])),
        *(e.InvalidData, r"'x'", r"reset_index"),
    ),
    Case(
        "an index of two levels",
        lambda s: Tabular.from_df(table().set_index(["kind", "whole"])),
        *(e.InvalidData, r"MultiIndex of 2 levels", r"reset_index"),
    ),
    Case(
        "a dtype that does not exist",
        lambda s: Tabular.from_df(table(), retype={"size": "float65"}),
        *(e.InvalidInput, r"float65", r"\w"),
    ),
    Case(
        "a dtype for no column",
        lambda s: Tabular.from_df(table(), retype={"sice": "float32"}),
        *(e.InvalidColumns, r"'sice'", r"size"),
    ),
    Case(
        "text as numbers",
        lambda s: Tabular.from_df(table(), retype={"colour": "float64"}),
        *(e.InvalidData, r"'red' in column 'colour', row 0", r"dtype that can hold it"),
    ),
    Case(
        "missing values as integers",
        lambda s: Tabular.from_df(_frame(a=[1.0, NAN]), retype="int64"),
        *(e.InvalidData, r"nan in column 'a', row 1", r"Int64"),
    ),
    Case(
        "a header that is none",
        lambda s: Tabular.from_path(str(s.folder / "twice.csv"), header="first"),
        *(e.InvalidInput, r"header='first'", r"None"),
    ),
    Case(
        "an unknown column of a Dataset",
        lambda s: Dataset.to_df(s.table, columns=["seize"]),
        *(e.InvalidColumns, r"<Dataset \d+ 'trees' v1> has no column 'seize'", r"size"),
    ),
    Case(
        "an unknown column's dtype",
        lambda s: Dataset.get_dtypes(s.table, "seize"),
        *(e.InvalidColumns, r"no column 'seize'", r"size"),
    ),
    Case(
        "a column twice",
        lambda s: Dataset.to_df(s.table, columns=["size", "size"]),
        *(e.InvalidColumns, r"'size' is asked for twice", r"once"),
    ),
    Case(
        "a row that does not exist",
        lambda s: Dataset.to_df(s.table, samples=[3, 24]),
        *(e.InvalidInput, r"24", r"0 to 23"),
    ),
    Case(
        "a negative row",
        lambda s: Dataset.to_arr(s.table, ["size"], [-1]),
        *(e.InvalidInput, r"-1", r"0 to 23"),
    ),
    Case(
        "a table is no image",
        lambda s: Dataset.to_pillow(s.table),
        *(e.Unsupported, r"is tabular", r"to_df\(\)"),
    ),
    Case(
        "an empty name for a row",
        lambda s: Dataset.set_info(s.table, name=" "),
        *(e.InvalidInput, r"name ' ' is empty", r"short name"),
    ),
    Case(
        "a description of another type",
        lambda s: Dataset.set_info(s.table, description=3),
        *(e.InvalidInput, r"description = 3 is int", r"str"),
    ),
    Case(
        "new names of another type",
        lambda s: Tabular.from_df(table(), rename_columns=5),
        *(e.InvalidInput, r"rename_columns.*5", r"Give 6 names"),
    ),
    Case(
        "an empty name of a Dataset",
        lambda s: Tabular.from_df(_frame(unseen=[1.0, 2.0]), name=""),
        *(e.InvalidInput, r"name ''", r"short name"),
    ),
    Case(
        "a name of another type",
        lambda s: Tabular.from_df(_frame(unseen=[1.0, 2.0]), name=3),
        *(e.InvalidInput, r"name = 3 is int", r"str"),
    ),
    Case(
        "a description that is a number",
        lambda s: Tabular.from_df(_frame(unseen=[3.0, 4.0]), description=3),
        *(e.InvalidInput, r"description = 3 is int", r"str"),
    ),
    Case(
        "the name of equal data",
        lambda s: Dataset.set_info(s.twin, name="trees"),
        *(e.Conflict, r"Dataset \d+ cannot take the name 'trees': version 1", r"Use Dataset \d+"),
    ),
    Case(
        "rows that are no numbers",
        lambda s: Dataset.to_df(s.table, samples=[1.5]),
        *(e.InvalidInput, r"samples.*float64", r"samples=\[0, 2, 5\]"),
    ),
    Case(
        "no columns",
        lambda s: Dataset.to_df(s.table, columns=[]),
        *(e.InvalidColumns, r"columns=\[\]", r"at least one"),
    ),
    Case(
        "complex numbers",
        lambda s: Tabular.from_df(_frame(a=[1j, 2j])),
        *(e.InvalidData, r"'a' has dtype 'complex128'", r"two columns"),
    ),
    Case(
        "a table in place of a dtype",
        lambda s: Tabular.from_df(table(), retype=5),
        *(e.InvalidInput, r"5 is not a dtype", r"float64"),
    ),
]

PARTS = [
    Case(
        "include and exclude together",
        lambda s: Feature.from_dataset(s.table, ["size"], ["kind"]),
        *(e.InvalidColumns, r"\['size'\].*\['kind'\].*both given", r"one of them"),
    ),
    Case(
        "an unknown column of a Feature",
        lambda s: Feature.from_dataset(s.table, include_columns=["seize"]),
        *(e.InvalidColumns, r"no column 'seize'", r"size"),
    ),
    Case(
        "an unknown column to leave out",
        lambda s: Feature.from_dataset(s.table, exclude_columns="colors"),
        *(e.InvalidColumns, r"no column 'colors'", r"colour"),
    ),
    Case(
        "every column left out",
        lambda s: Feature.from_dataset(s.table, exclude_columns=list(table())),
        *(e.InvalidColumns, r"No column .* is left", r"Keep at least one"),
    ),
    Case(
        "no column",
        lambda s: Feature.from_dataset(s.table, include_columns=[]),
        *(e.InvalidColumns, r"\[\]|No column", r"at least one"),
    ),
    Case(
        "a column that the Feature has not",
        lambda s: Feature.to_df(s.feature, columns=["kind"]),
        *(e.InvalidColumns, r"<Feature \d+> has no column 'kind'", r"size"),
    ),
    Case(
        "an unknown column of a Label",
        lambda s: Label.from_dataset(s.table, "kinds"),
        *(e.InvalidColumns, r"no column 'kinds'", r"kind"),
    ),
    Case(
        "columns that are not one-hot",
        lambda s: Label.from_dataset(s.table, ["size", "weight"]),
        *(e.InvalidData, r"\['size', 'weight'\].*not strictly one-hot", r"exactly one 1"),
    ),
    Case(
        "a Label of no column",
        lambda s: Label.from_dataset(s.table, []),
        *(e.InvalidColumns, r"no column", r"target column"),
    ),
    Case(
        "NaN in a Label",
        lambda s: Label.from_dataset(s.holes, "colour"),
        *(e.InvalidData, r"'colour' holds 4 missing values", r"Drop these rows"),
    ),
    Case(
        "a class, not an instance",
        lambda s: FeatureCoder.from_feature(s.free, StandardScaler),
        *(e.InvalidCoder, r"StandardScaler is a class", r"StandardScaler\(\)"),
    ),
    Case(
        "a class for a Label",
        lambda s: LabelCoder.from_label(s.free_label, OrdinalEncoder),
        *(e.InvalidCoder, r"OrdinalEncoder is a class", r"OrdinalEncoder\(\)"),
    ),
    Case(
        "a function, not an instance",
        lambda s: FeatureCoder.from_feature(s.free, np.log1p),
        *(e.InvalidCoder, r"log1p", r"instance"),
    ),
    Case(
        "something else than a preprocessor",
        lambda s: FeatureCoder.from_feature(s.free, "StandardScaler"),
        *(e.InvalidCoder, r"'StandardScaler' of type builtins\.str", r"instance"),
    ),
    Case(
        "a Label's coder for a Feature",
        lambda s: FeatureCoder.from_feature(s.free, LabelBinarizer()),
        *(e.InvalidCoder, r"LabelBinarizer is for Labels", r"OneHotEncoder\(\)"),
    ),
    Case(
        "a scaler of text",
        lambda s: FeatureCoder.from_feature(s.all_columns, StandardScaler(), columns="colour"),
        *(e.InvalidCoder, r"StandardScaler cannot encode \{'colour': 'str'\}", r"columns="),
    ),
    Case(
        "an unknown column of a coder",
        lambda s: FeatureCoder.from_feature(s.free, StandardScaler(), columns=["seize"]),
        *(e.InvalidColumns, r"'seize' does not exist", r"size"),
    ),
    Case(
        "a filter that neither includes nor excludes",
        lambda s: FeatureCoder.from_feature(s.free, StandardScaler(), include="no"),
        *(e.InvalidInput, r"include='no' is neither True nor False", r"bool"),
    ),
    Case(
        "a dtype that matches nothing",
        lambda s: FeatureCoder.from_feature(s.free, StandardScaler(), dtypes=["int8"]),
        *(e.InvalidColumns, r"'int8' matches no remaining column", r"float64"),
    ),
    Case(
        "a column by dtype and by name",
        lambda s: FeatureCoder.from_feature(
            s.free, StandardScaler(), dtypes="float64", columns="size"
        ),
        *(e.InvalidColumns, r"'size' is matched again", r"once"),
    ),
    Case(
        "a column that has a coder",
        lambda s: FeatureCoder.from_feature(s.coded, OneHotEncoder(), columns="colour"),
        *(e.InvalidColumns, r"'colour' is already used by an earlier coder", r"size"),
    ),
    Case(
        "a coder after the Splitset",
        lambda s: FeatureCoder.from_feature(s.fitted, StandardScaler()),
        *(e.Conflict, r"<Splitset \d+> uses <Feature \d+> already", r"Make a new Feature"),
    ),
    Case(
        "a second coder of a Label",
        lambda s: LabelCoder.from_label(Splitset.of(s.splitset).label, OrdinalEncoder()),
        *(e.Conflict, r"<Label \d+> has a LabelCoder already", r"another Label"),
    ),
    Case(
        "one column twice in a Feature",
        lambda s: Feature.from_dataset(s.table, ["size", "size"]),
        *(e.InvalidColumns, r"'size' is asked for twice", r"once"),
    ),
]

SPLITS = [
    Case(
        "sizes of more than everything",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.6, size_validation=0.5),
        *(e.InvalidSplit, r"size_test=0\.6 and size_validation=0\.5", r"below 1"),
    ),
    Case(
        "sizes that leave nothing to train on",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.5, size_validation=0.5),
        *(e.InvalidSplit, r"size_test=0\.5 and size_validation=0\.5", r"below 1"),
    ),
    Case(
        "a size of 1",
        lambda s: Splitset.make(s.feature, s.kind, size_test=1),
        *(e.InvalidSplit, r"size_test=1 ", r"above 0 and below 1"),
    ),
    Case(
        "a size of 0",
        lambda s: Splitset.make(s.feature, s.kind, size_validation=0.0),
        *(e.InvalidSplit, r"size_validation=0\.0", r"above 0 and below 1"),
    ),
    Case(
        "a negative size",
        lambda s: Splitset.make(s.feature, s.kind, size_test=-0.2),
        *(e.InvalidSplit, r"size_test=-0\.2", r"above 0 and below 1"),
    ),
    Case(
        "a size of NaN",
        lambda s: Splitset.make(s.feature, s.kind, size_test=NAN),
        *(e.InvalidSplit, r"size_test=nan", r"above 0 and below 1"),
    ),
    Case(
        "a size of text",
        lambda s: Splitset.make(s.feature, s.kind, size_test="20%"),
        *(e.InvalidSplit, r"size_test='20%'", r"above 0 and below 1"),
    ),
    Case(
        "a class with one member",
        lambda s: Splitset.make(s.feature, s.rare_label, size_test=0.25),
        *(e.InvalidSplit, r"'yew' has 1 member", r"stratify=False"),
    ),
    Case(
        "more folds than members of a class",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.25, fold_count=7),
        *(e.InvalidSplit, r"'\w{3}' has 6 members, but 7", r"stratify=False"),
    ),
    Case(
        "more folds than rows",
        lambda s: Splitset.make(s.feature, fold_count=25),
        *(e.InvalidSplit, r"24 training rows cannot make 25 folds", r"fewer folds"),
    ),
    Case(
        "one fold",
        lambda s: Splitset.make(s.feature, s.kind, fold_count=1),
        *(e.InvalidSplit, r"fold_count=1 ", r"at least 2"),
    ),
    Case(
        "one bin",
        lambda s: Splitset.make(s.feature, s.price, size_test=0.25, bin_count=1),
        *(e.InvalidSplit, r"bin_count=1 ", r"at least 2"),
    ),
    Case(
        "bins of text",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.25, bin_count=3),
        *(e.InvalidSplit, r"'oak'", r"Leave `bin_count` out"),
    ),
    Case(
        "bins of nothing",
        lambda s: Splitset.make(s.feature, bin_count=3),
        *(e.InvalidSplit, r"bin_count=3", r"Label"),
    ),
    Case(
        "no Feature",
        lambda s: Splitset.make([], s.kind),
        *(e.InvalidSplit, r"feature_ids is empty", r"at least one Feature"),
    ),
    Case(
        "parts of different length",
        lambda s: Splitset.make(s.feature, s.short_label),
        *(e.InvalidSplit, r"24.*7", r"same rows"),
    ),
    Case(
        "the label among the features",
        lambda s: Splitset.make(s.all_columns, s.kind),
        *(e.InvalidSplit, r"'kind' is also a column of <Feature", r"exclude_columns"),
    ),
    Case(
        "an unknown column to stratify by",
        lambda s: Splitset.make(s.feature, unsupervised_stratify_col="seize"),
        *(e.InvalidColumns, r"no column 'seize'", r"size"),
    ),
    Case(
        "a column to stratify by beside a Label",
        lambda s: Splitset.make(s.feature, s.kind, unsupervised_stratify_col="size"),
        *(e.InvalidSplit, r"unsupervised_stratify_col='size'", r"Label stratifies"),
    ),
    Case(
        "given rows in two splits",
        lambda s: Splitset.make(
            s.feature, s.kind, samples={"train": list(range(20)), "test": list(range(19, 24))}
        ),
        *(e.InvalidSplit, r"19", r"\w"),
    ),
    Case(
        "a given row in no split",
        lambda s: Splitset.make(
            s.feature, s.kind, samples={"train": list(range(20)), "test": [20, 21, 23]}
        ),
        *(e.InvalidSplit, r"22", r"\w"),
    ),
    Case(
        "a given row that does not exist",
        lambda s: Splitset.make(s.feature, s.kind, samples={"train": [*range(24), 99]}),
        *(e.InvalidSplit, r"99", r"\w"),
    ),
    Case(
        "an unknown column of groups",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.25, groups="farm"),
        *(e.InvalidColumns, r"groups='farm'", r"size"),
    ),
    Case(
        "inference with a model that does not exist",
        lambda s: Splitset.make(s.feature, predictor_id=9876),
        *(e.RecordNotFound, r"no Predictor 9876", r"List them|nearest"),
    ),
    Case(
        "a split that does not exist",
        lambda s: Splitset.fetch_cache(s.splitset, "validation", "features"),
        *(e.InvalidSplit, r"no split 'validation'", r"\['train', 'test'\]"),
    ),
    Case(
        "neither label nor features",
        lambda s: Splitset.fetch_cache(s.splitset, "train", "labels"),
        *(e.InvalidInput, r"label_features='labels'", r"'label' or 'features'"),
    ),
    Case(
        "a fold left out",
        lambda s: Splitset.fetch_cache(s.folded, "fold_validation", "label"),
        *(e.InvalidSplit, r"2 folds, and fold_id is None", r"\[1, 2\]"),
    ),
    Case(
        "a fold of another Splitset",
        lambda s: Splitset.fetch_cache(s.splitset, "train", "label", fold_id=1),
        *(e.InvalidSplit, r"<Fold 1> belongs to <Splitset", r"this Splitset"),
    ),
    Case(
        "a library that does not exist",
        lambda s: Splitset.fetch_cache(s.splitset, "train", "label", library="torch"),
        *(e.InvalidInput, r"library='torch'", r"pytorch"),
    ),
    Case(
        "an empty name of a Splitset",
        lambda s: Splitset.make(s.feature, s.kind, name=" "),
        *(e.InvalidInput, r"name ' '", r"short name"),
    ),
    Case(
        "a seed of text",
        lambda s: Splitset.make(s.feature, s.kind, seed="first"),
        *(e.InvalidInput, r"seed='first'", r"whole number"),
    ),
    Case(
        "a seed below zero",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.25, seed=-1),
        *(e.InvalidInput, r"seed=-1", r"whole number"),
    ),
    Case(
        "half a seed",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.25, seed=1.5),
        *(e.InvalidInput, r"seed=1\.5", r"whole number"),
    ),
    Case(
        "half a fold",
        lambda s: Splitset.make(s.feature, s.kind, fold_count=2.5),
        *(e.InvalidSplit, r"fold_count=2\.5", r"at least 2"),
    ),
    Case(
        "given splits and sizes",
        lambda s: Splitset.make(s.feature, s.kind, 0.25, samples={"train": list(range(24))}),
        *(e.InvalidSplit, r"samples= and sizes", r"one of them"),
    ),
    Case(
        "an answer in words",
        lambda s: Splitset.make(s.feature, s.kind, 0.25, stratify="no"),
        *(e.InvalidInput, r"stratify='no'", r"bool"),
    ),
    Case(
        "a frame for an id",
        lambda s: Feature.from_dataset(pd.DataFrame({"a": [1, 2]})),
        *(e.InvalidInput, r"^A DataFrame is not the id of a Dataset", r"a Dataset"),
    ),
    Case(
        "given splits that train nothing",
        lambda s: Splitset.make(s.feature, s.kind, samples={"test": list(range(24))}),
        *(e.InvalidSplit, r"\['test'\] hold no training rows", r"'train'"),
    ),
    Case(
        "a given split of another name",
        lambda s: Splitset.make(s.feature, s.kind, samples={"train": [0, 1], "exam": [2, 3]}),
        *(e.InvalidSplit, r"'exam' is unknown", r"train, validation, test"),
    ),
    Case(
        "given folds that overlap",
        lambda s: Splitset.make(
            s.feature,
            s.kind,
            folds=[
                (list(range(12)), list(range(11, 24))),
                (list(range(12, 24)), list(range(12))),
            ],
        ),
        *(e.InvalidSplit, r"Row 11 is on both sides of fold 0", r"\w"),
    ),
    Case(
        "groups and time",
        lambda s: Splitset.make(s.feature, s.kind, size_test=0.25, groups="kind", time="price"),
        *(e.InvalidSplit, r"groups and .* by time", r"either"),
    ),
]

LOGIC = [
    Case(
        "an unknown library",
        lambda s: Algorithm.make("skleran", "regression", shelves.build_ridge),
        *(e.InvalidInput, r"library='skleran'", r"'sklearn'"),
    ),
    Case(
        "an unknown analysis",
        lambda s: Algorithm.make("sklearn", "classification", shelves.build),
        *(e.InvalidInput, r"analysis_type='classification'", r"classification_multi"),
    ),
    Case(
        "no function",
        lambda s: Algorithm.make("sklearn", "regression", "build"),
        *(e.InvalidFunction, r"fn_build must be a function, got str: 'build'", r"features_shape"),
    ),
    Case(
        "no fn_build",
        lambda s: Algorithm.make("sklearn", "regression", None),
        *(e.InvalidFunction, r"fn_build", r"features_shape"),
    ),
    Case(
        "no fn_train for PyTorch",
        lambda s: Algorithm.make("pytorch", "regression", shelves.build_ridge),
        *(e.InvalidFunction, r"fn_train is required for the library 'pytorch'", r"train_features"),
    ),
    Case(
        "fn_build with too few arguments",
        lambda s: Algorithm.make("sklearn", "regression", shelves.build_too_few),
        *(e.InvalidFunction, r"fn_build takes \(features_shape", r"label_shape"),
    ),
    Case(
        "fn_train with too few arguments",
        lambda s: Algorithm.make(
            "sklearn", "regression", shelves.build_ridge, shelves.train_too_few
        ),
        *(e.InvalidFunction, r"fn_train takes \(model.*loser", r"eval_label"),
    ),
    Case(
        "fn_predict with too many arguments",
        lambda s: Algorithm.make(
            "sklearn", "regression", shelves.build_ridge, fn_predict=shelves.predict_too_many
        ),
        *(e.InvalidFunction, r"fn_predict takes \(model.*more", r"\(model, features\)"),
    ),
    Case(
        "fn_lose without **hp",
        lambda s: Algorithm.make(
            "sklearn", "regression", shelves.build_ridge, fn_lose=shelves.build_too_few
        ),
        *(e.InvalidFunction, r"fn_lose takes \(features_shape", r"\*\*hp"),
    ),
    Case(
        "a metric with a name that is taken",
        lambda s: Algorithm.make(
            "sklearn", "regression", shelves.build_ridge, metrics={"r2": shelves.metric_of_text}
        ),
        *(e.InvalidInput, r"'r2'", r"\w"),
    ),
    Case(
        "no hyperparameters",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {}),
        *(e.InvalidInput, r"hyperparameters=\{\}", r"\{name: \[values\]\}"),
    ),
    Case(
        "no values",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": []}),
        *(e.InvalidInput, r"'C' has no values", r"at least one"),
    ),
    Case(
        "a name that is no argument",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"learning rate": [1]}),
        *(e.InvalidInput, r"'learning rate'", r"underscores"),
    ),
    Case(
        "a value that is no data",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [object()]}),
        *(e.InvalidInput, r"'C' lists <object object", r"numbers, text"),
    ),
    Case(
        "a value twice",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0, 2.0, 1.0]}),
        *(e.InvalidInput, r"'C' lists 1\.0 twice", r"repeat_count"),
    ),
    Case(
        "a search of none",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0]}, search_count=0),
        *(e.InvalidInput, r"search_count=0", r"1 or more"),
    ),
    Case(
        "a search of more than everything",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0]}, search_percent=1.5),
        *(e.InvalidInput, r"search_percent=1\.5", r"0\.25"),
    ),
    Case(
        "two sizes of a search",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0, 2.0]}, 1, 0.5),
        *(e.InvalidInput, r"search_count=1 and search_percent=0\.5", r"one of them"),
    ),
    Case(
        "a float label for classes",
        lambda s: Queue.from_algorithm(s.algorithm, s.regress),
        *(e.Incompatible, r"<Label \d+>.*classification_multi.*float64", r"'regression'"),
    ),
    Case(
        "classes for a regression",
        lambda s: Queue.from_algorithm(s.other_algorithm, s.splitset),
        *(e.Incompatible, r"<Label \d+>.*regression", r"classification"),
    ),
    Case(
        "hyperparameters of another Algorithm",
        lambda s: Queue.from_algorithm(s.other_algorithm, s.regress, hyperparamset_id=s.combos),
        *(e.Incompatible, r"<Hyperparamset \d+> belongs to <Algorithm \d+>", r"from_algorithm"),
    ),
    Case(
        "no repeats",
        lambda s: Queue.from_algorithm(s.algorithm, s.splitset, repeat_count=0),
        *(e.InvalidInput, r"repeat_count=0", r"1 or more"),
    ),
    Case(
        "half a permutation",
        lambda s: Queue.from_algorithm(s.algorithm, s.splitset, permute_count=0.5),
        *(e.InvalidInput, r"permute_count=0\.5", r"0 or more"),
    ),
    Case(
        "repeats of text",
        lambda s: Queue.from_algorithm(s.algorithm, s.splitset, repeat_count="two"),
        *(e.InvalidInput, r"repeat_count='two'", r"1 or more"),
    ),
    Case(
        "a global that no other process has",
        lambda s: Algorithm.make("sklearn", "regression", shelves.build_locked),
        *(e.InvalidFunction, r"fn_build \(build_locked\) uses the global 'LOCK'", r"inside"),
    ),
    Case(
        "an Algorithm with a number for a name",
        lambda s: Algorithm.make("sklearn", "regression", shelves.build_unseen, name=3),
        *(e.InvalidInput, r"name = 3 is int", r"str"),
    ),
    Case(
        "metrics without names",
        lambda s: Algorithm.make(
            "sklearn", "regression", shelves.build_ridge, metrics=[shelves.metric_of_text]
        ),
        *(e.InvalidInput, r"metrics", r"\{name: function\}"),
    ),
    Case(
        "a metric that is no function",
        lambda s: Algorithm.make("sklearn", "regression", shelves.build_ridge, metrics={"a": 3}),
        *(e.InvalidFunction, r"'a' is 3", r"function\(true, predicted\)"),
    ),
    Case(
        "a hyperparameter that fn_build does not take",
        lambda s: Queue.from_algorithm(s.fixed, s.splitset, hyperparamset_id=s.depths),
        *(e.InvalidInput, r"fn_build.*'depth'", r"\*\*hp"),
    ),
    Case(
        "a search of half a combination",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0]}, search_count=NAN),
        *(e.InvalidInput, r"search_count=nan", r"1 or more"),
    ),
    Case(
        "a share that is an answer",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0]}, search_percent=True),
        *(e.InvalidInput, r"search_percent=True", r"0\.25"),
    ),
    Case(
        "a share of text",
        lambda s: Hyperparamset.from_algorithm(s.algorithm, {"C": [1.0]}, search_percent="half"),
        *(e.InvalidInput, r"search_percent='half'", r"0\.25"),
    ),
    Case(
        "a Queue without a Label",
        lambda s: Queue.from_algorithm(s.algorithm, s.alone),
        *(e.Incompatible, r"needs a Label, and the Splitset has none", r"regression"),
    ),
    Case(
        "text that no coder takes",
        lambda s: Queue.from_algorithm(s.algorithm, s.bare_text),
        *(e.Incompatible, r"'colour' of <Feature \d+> is str", r"OneHotEncoder\(\)"),
    ),
    Case(
        "classes that no coder takes",
        lambda s: Queue.from_algorithm(s.algorithm, s.bare_label),
        *(e.Incompatible, r"<Label \d+>.*\['ash', 'elm', 'oak'\] without a coder", r"OrdinalEnc"),
    ),
    Case(
        "three classes for two",
        lambda s: Queue.from_algorithm(s.binary, s.splitset),
        *(e.Incompatible, r"it has 3 classes: \['ash', 'elm', 'oak'\]", r"classification_multi"),
    ),
    Case(
        "repeats of nothing",
        lambda s: Queue.from_algorithm(s.algorithm, s.splitset, repeat_count=None),
        *(e.InvalidInput, r"repeat_count=None", r"1 or more"),
    ),
    Case(
        "a Queue's seed of text",
        lambda s: Queue.from_algorithm(s.algorithm, s.splitset, seed="first"),
        *(e.InvalidInput, r"seed='first'", r"whole number"),
    ),
]

RESULTS = [
    Case(
        "an unknown metric",
        lambda s: Queue.metrics_df(s.trained, selected_metrics=["acuracy"]),
        *(e.InvalidInput, r"'acuracy'", r"accuracy"),
    ),
    Case(
        "an unknown statistic",
        lambda s: Queue.metricsAggregate_df(s.trained, selected_stats=["average"]),
        *(e.InvalidInput, r"'average'", r"mean"),
    ),
    Case(
        "an unknown column to sort by",
        lambda s: Queue.metrics_df(s.trained, sort_by="score"),
        *(e.InvalidInput, r"sort_by='score'", r"accuracy"),
    ),
    Case(
        "an unknown score to plot",
        lambda s: Queue.plot_performance(s.trained, score_type="r2"),
        *(e.InvalidInput, r"'r2'", r"accuracy"),
    ),
    Case(
        "a plot of no model",
        lambda s: Queue.plot_performance(s.untrained),
        *(e.NotReady, r"<Queue \d+>", r"run_jobs\(\)"),
    ),
    Case(
        "no importance",
        lambda s: Prediction.importance_df(1),
        *(e.NotReady, r"<Prediction 1>", r"calc_featureImportance"),
    ),
    Case(
        "importance of no permutation",
        lambda s: Prediction.calc_featureImportance(1, 0),
        *(e.InvalidInput, r"permute_count=0", r"1 or more"),
    ),
    Case(
        "importance of an unknown split",
        lambda s: Prediction.calc_featureImportance(1, 1, split="validation"),
        *(e.InvalidInput, r"no split 'validation'", r"\['train', 'test'\]"),
    ),
    Case(
        "a curve of no history",
        lambda s: Predictor.plot_learning_curve(1),
        *(e.NotReady, r"<Predictor 1> has no history", r"fn_train"),
    ),
    Case(
        "confidence of a row that does not exist",
        lambda s: Prediction.plot_confidence(1, prediction_index=6),
        *(e.InvalidInput, r"prediction_index=6.*'test' with 6 rows", r"0 to 5"),
    ),
    Case(
        "confidence of an unknown split",
        lambda s: Prediction.plot_confidence(1, split_name="training"),
        *(e.InvalidInput, r"no split 'training'", r"\['train', 'test'\]"),
    ),
    Case(
        "importance of no number",
        lambda s: Prediction.calc_featureImportance(1, None),
        *(e.InvalidInput, r"permute_count=None", r"1 or more"),
    ),
    Case(
        "confidence of half a row",
        lambda s: Prediction.plot_confidence(1, 1.5),
        *(e.InvalidInput, r"prediction_index=1\.5", r"0 to 5"),
    ),
    Case(
        "confidence of a row before the first",
        lambda s: Prediction.plot_confidence(1, -1),
        *(e.InvalidInput, r"prediction_index=-1", r"0 to 5"),
    ),
]

STORE = [
    *(
        Case(
            f"{model.__name__}.{name} of an id of no {kind}",
            lambda s, model=model, name=name, args=args: getattr(model, name)(99, *args),
            *(e.RecordNotFound, rf"no {kind} 99", r"The nearest ids are \d+"),
        )
        for model, name, args, kind in (
            (Dataset, "to_df", (), "Dataset"),
            (Feature, "from_dataset", (), "Dataset"),
            (Label, "from_dataset", (), "Dataset"),
            (FeatureCoder, "from_feature", (StandardScaler(),), "Feature"),
            (LabelCoder, "from_label", (OrdinalEncoder(),), "Label"),
            (Splitset, "make", (), "Feature"),
            (Fold, "of", (), "Fold"),
            (Hyperparamset, "from_algorithm", ({"C": [1]},), "Algorithm"),
            (Queue, "from_algorithm", (1,), "Algorithm"),
            (Queue, "run_jobs", (), "Queue"),
            (Predictor, "get_model", (), "Predictor"),
            (Prediction, "importance_df", (), "Prediction"),
            (Dataset, "delete_by_id", (), "Dataset"),
        )
    ),
    Case(
        "an id among several that does not exist",
        lambda s: Splitset.make([s.feature, 99], s.kind),
        *(e.RecordNotFound, r"no Feature 99", r"The nearest ids are"),
    ),
    Case(
        "a Label that does not exist",
        lambda s: Splitset.make(s.feature, 99),
        *(e.RecordNotFound, r"no Label 99", r"The nearest ids are"),
    ),
    Case(
        "a row of another table",
        lambda s: Feature.from_dataset(Queue.of(s.trained)),
        *(e.InvalidInput, r"<Queue \d+> of type Queue", r"a Dataset"),
    ),
    Case(
        "deleting a Dataset in use",
        lambda s: Dataset.of(s.table).delete_instance(),
        *(e.RecordInUse, r"Dataset \d+ is used by Feature \d+,.*Label \d+", r"recursive=True"),
    ),
    Case(
        "deleting a Splitset in use",
        lambda s: Splitset.delete_by_id(s.splitset),
        *(e.RecordInUse, r"Splitset \d+ is used by Queue \d+", r"recursive=True"),
    ),
    Case(
        "a file that is no store",
        lambda s: aiqc.connect(s.folder / "notes.txt"),
        *(e.NotAMetastore, r"notes\.txt is not an SQLite file", r"Choose"),
    ),
    Case(
        "a folder",
        lambda s: aiqc.connect(s.folder),
        *(e.NotAMetastore, r"is a folder", r"\w"),
    ),
    Case(
        "another application's database",
        lambda s: aiqc.connect(s.folder / "other.sqlite3"),
        *(e.NotAMetastore, r"other\.sqlite3.*invoices", r"Choose"),
    ),
    Case(
        "a store of a later version",
        lambda s: aiqc.connect(s.folder / "newer.sqlite3"),
        *(e.NewerSchema, r"newer\.sqlite3 has schema \d+", r"pip install --upgrade"),
    ),
    Case(
        "a folder that does not exist",
        lambda s: aiqc.connect(s.folder / "gone" / "store.sqlite3"),
        *(e.InvalidInput, r"gone", r"\w"),
    ),
    Case(
        "a scheme that does not exist",
        lambda s: aiqc.connect("oracle://db/study"),
        *(e.InvalidInput, r"'oracle'", r"postgresql://"),
    ),
    Case(
        "destroying without a word",
        lambda s: orm.destroy_db(),
        *(e.InvalidInput, r"shelf\.sqlite3 would be deleted", r"confirm=True"),
    ),
    Case(
        "trusting what holds no code",
        lambda s: aiqc.trust(Dataset.of(s.table)),
        *(e.InvalidInput, r"<Dataset \d+ 'trees' v1> holds no code", r"Algorithm"),
    ),
]

STEPS = [
    Case(
        "gaps in a Label without an interpolater",
        lambda s: Splitset.make(s.light, s.gappy_label, size_test=0.25),
        *(e.InvalidData, r"'size' is missing in the rows \[0, 6, 12, 18\]", r"LabelInterpolater"),
    ),
    Case(
        "text is no curve",
        lambda s: FeatureInterpolater.from_feature(s.all_columns, columns="colour"),
        *(e.InvalidColumns, r"'colour' of dtype str", r"float columns"),
    ),
    Case(
        "an unknown method of interpolation",
        lambda s: FeatureInterpolater.from_feature(
            s.all_columns, interpolate_kwargs={"method": "splin"}
        ),
        *(e.InvalidInput, r"method='splin'", r"Did you mean 'spline'\?"),
    ),
    Case(
        "classes are no curve",
        lambda s: LabelInterpolater.from_label(s.rare_label),
        *(e.InvalidColumns, r"'kind' of dtype str", r"retype='float64'"),
    ),
    Case(
        "a window after the Splitset",
        lambda s: Window.from_feature(s.feature, 3, 2),
        *(
            e.Conflict,
            r"<Splitset \d+> uses <Feature \d+> already; no Window",
            r"Make a new Feature",
        ),
    ),
    Case(
        "a window longer than the data",
        lambda s: Window.from_feature(s.all_columns, 25, 2),
        *(e.InvalidInput, r"25 rows and its target 2 rows later .* 24 rows", r"at most 22"),
    ),
    Case(
        "a shape that scrambles",
        lambda s: FeatureShaper.from_feature(s.all_columns, (0, "2", "3")),
        *(e.InvalidInput, r"\(samples, 6\): the length 3 splits the 6 columns", r"Name the axes"),
    ),
]

CASES = [*DATA, *PARTS, *STEPS, *SPLITS, *LOGIC, *RESULTS, *STORE]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """Fill a store once: no case may change it."""
    folder = tmp_path_factory.mktemp("shelf")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIQC_HOME", str(folder / "home"))
        for name in ("AIQC_DATABASE", "AIQC_CACHE", "AIQC_SIGNING_KEY"):
            patch.delenv(name, raising=False)
        shelf = shelves.fill(folder)
        shelves.make_newer(shelf.store, folder / "newer.sqlite3")
    return shelf


@pytest.fixture
def shelf(filled: Shelf, private_home: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    assert private_home.exists(), "the test's own home comes first"
    monkeypatch.setenv("AIQC_HOME", str(filled.folder / "home"))
    aiqc.connect(filled.store)
    return filled


def _counts() -> dict[str, int]:
    return {model.__name__: model.select().count() for model in registry()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, shelf: Shelf) -> None:
    counts, digest = _counts(), digest_of(shelf.store)
    files = sorted(path.name for path in shelf.folder.iterdir())
    with pytest.raises(case.error) as caught:
        case.call(shelf)
    error = caught.value
    assert re.search(case.value, error.message, re.DOTALL), error.message
    assert re.search(case.step, error.hint, re.DOTALL), error.hint
    assert str(error) == f"{error.message} {error.hint}"
    assert error.hint.endswith((".", "?")), error.hint
    assert _counts() == counts
    assert digest_of(shelf.store) == digest, "not a byte of any row has changed"
    assert sorted(path.name for path in shelf.folder.iterdir()) == files


def test_cases_are_told_apart() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)


RETURNS = [
    (
        "fn_build",
        {"fn_build": shelves.build_nothing},
        *(r"fn_build returned str: 'no estimator'", r"scikit-learn estimator"),
    ),
    (
        "fn_train",
        {"fn_build": shelves.build, "fn_train": shelves.train_nothing},
        *(r"fn_train returned int: 42", r"fitted estimator"),
    ),
    (
        "fn_predict, a row short",
        {"fn_build": shelves.build, "fn_predict": shelves.predict_too_few},
        *(r"fn_predict returned .*\(17,\)", r"18 ordinal class codes from 0 to 2"),
    ),
    (
        "fn_predict, text",
        {"fn_build": shelves.build, "fn_predict": shelves.predict_text},
        *(r"fn_predict returned .*'oak'", r"18 ordinal class codes from 0 to 2"),
    ),
    (
        "fn_lose",
        {"fn_build": shelves.build, "fn_lose": shelves.lose_nothing},
        *(r"fn_lose returned float: 0\.5", r"loser\(true, predicted\)"),
    ),
    (
        "a metric",
        {"fn_build": shelves.build, "metrics": {"judged": shelves.metric_of_text}},
        *(r"judged.*'good'", r"number"),
    ),
]


@pytest.mark.parametrize(
    ("functions", "value", "step"), [row[1:] for row in RETURNS], ids=[row[0] for row in RETURNS]
)
def test_wrong_return_value(
    functions: dict[str, Any], value: str, step: str, shelf: Shelf
) -> None:
    """The run fails with the function's name and what came back; no model comes of it."""
    algorithm = Algorithm.make("sklearn", "classification_multi", **functions)
    queue = Queue.from_algorithm(algorithm, shelf.splitset)
    counts = _counts()
    with pytest.raises(e.JobFailed) as caught:
        queue.run_jobs(progress=False)
    cause = caught.value.__cause__
    assert type(cause) is e.InvalidFunction
    assert re.search(value, cause.message, re.DOTALL), cause.message
    assert re.search(step, cause.hint, re.DOTALL), cause.hint
    run = queue.runs.get()
    assert f"Run {run.id} raised InvalidFunction: {cause}" in str(caught.value)
    assert (run.state, run.error_type) == ("failed", "InvalidFunction")
    assert run.error_message == str(cause)
    assert run.traceback.rstrip().endswith(str(cause))
    assert _counts() == counts
    assert queue.status == {"failed": 1}
    assert queue.runs_completed == 0


def _rows() -> dict[str, int]:
    """Count rows without blobs: the profile of the training rows is kept with their fit."""
    return {name: count for name, count in _counts().items() if not name.startswith("Blob")}


def test_nan_reaching_a_model(shelf: Shelf) -> None:
    """Columns and counts are named, before the model sees a row."""
    counts = _rows()
    with pytest.raises(e.JobFailed) as caught:
        Queue.run_jobs(shelf.nan_queue, progress=False)
    cause = caught.value.__cause__
    assert type(cause) is e.InvalidData
    assert (cause.columns, cause.counts) == (["size"], {"size": 4})
    assert re.search(r"NaN.*sklearn.*'size': 4", cause.message)
    assert re.search(r"SimpleImputer", cause.hint)
    assert _rows() == counts


def test_a_job_that_raises_is_recorded(shelf: Shelf) -> None:
    """The user's own exception is chained, and its traceback names the user's line."""
    algorithm = Algorithm.make("sklearn", "classification_multi", shelves_raise)
    queue = Queue.from_algorithm(algorithm, shelf.splitset, repeat_count=2)
    counts = _counts()
    with pytest.raises(
        e.JobFailed, match=r"Run \d+ raised ZeroDivisionError: float division by zero"
    ) as caught:
        queue.run_jobs(progress=False)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert queue.status == {"failed": 1, "pending": 1}
    failed = queue.runs.where(queue.runs.model.state == "failed").get()
    assert "1 / features_shape[0] ** 0 / 0" in failed.traceback
    assert _counts() == counts
    with pytest.warns(e.ResultWarning, match=r"2 runs of <Queue \d+> failed"):
        queue.run_jobs(continue_on_error=True, progress=False)
    assert queue.status == {"failed": 2}


def shelves_raise(features_shape: Any, label_shape: Any, **hp: Any) -> Any:
    return 1 / features_shape[0] ** 0 / 0
