"""Frames and arrays as the Datasets, Features, Windows and Label that a Predictor can take."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiqc.core.enums import DatasetType
from aiqc.core.errors import AIQCError, Incompatible, InvalidSplit
from aiqc.orm._given import Given, pair_inputs, read_input, read_target
from aiqc.orm._proxy import transaction
from aiqc.orm.dataset import Dataset
from aiqc.orm.feature import Feature
from aiqc.orm.label import Label
from aiqc.orm.splitset import Splitset
from aiqc.orm.trained import Trained, fixed_shape, trained_of
from aiqc.orm.window import Window
from aiqc.pipeline.label_values import unique_classes
from aiqc.pipeline.schema_check import FeatureSchema, LabelSchema, Schema, check_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.orm._base import BaseModel
    from aiqc.orm.predictor import Predictor

#: new data up to this many bytes are written at once; larger ones before the small rows
SMALL_SIZE = 1_000_000


def register_inputs(
    predictor: Predictor, inputs: Any, target: Any, *, record_shifted: bool
) -> tuple[Splitset, list[BaseModel]]:
    """Return the Splitset of new data, and the rows that were made for it, users first.

    The schema is checked before anything is written; see `Predictor.infer`.
    """
    trained = trained_of(predictor)
    features, label = trained.features, trained.label
    found, wrong = _read_inputs(pair_inputs(inputs, features))
    truth = None if target is None else read_target(target, label)
    _refuse_shifted(trained, record_shifted=record_shifted)
    schema = _given_schema(found, truth, trained)
    check_schema(trained.schema, schema, repr(predictor), also=wrong)
    given = [one for one in found if one is not None]
    _check_windows(given, trained, record_shifted=record_shifted)
    _check_counts(given, truth, trained)
    parts = [*given, *([] if truth is None else [truth])]
    made: list[BaseModel] = []
    if sum(_byte_count(one.values) for one in parts) <= SMALL_SIZE:
        # one commit instead of several
        with transaction():
            datasets = _datasets(parts, features, label, made)
            splitset = _splitset(predictor, datasets, trained, made, shifted=record_shifted)
        return splitset, made
    try:
        datasets = _datasets(parts, features, label, made)
        splitset = _splitset(predictor, datasets, trained, made, shifted=record_shifted)
    except BaseException:
        remove_rows(made)
        raise
    return splitset, made


def _read_inputs(pairs: Sequence[tuple[Any, Feature]]) -> tuple[list[Given | None], list[str]]:
    """Return the inputs, None where an array has other axes, and what is wrong with those."""
    found: list[Given | None] = []
    wrong = []
    for index, (value, feature) in enumerate(pairs):
        try:
            found.append(read_input(value, feature, f"inputs[{index}]"))
        except Incompatible as error:
            found.append(None)
            wrong.append(str(error))
    return found, wrong


def remove_rows(rows: Sequence[BaseModel]) -> None:
    """Delete rows that were made for an inference that failed; users come first."""
    with suppress(AIQCError), transaction():
        for row in rows:
            row.delete_instance()


def _splitset(
    predictor: Predictor,
    datasets: list[Dataset],
    trained: Trained,
    made: list[BaseModel],
    *,
    shifted: bool,
) -> Splitset:
    """Make the rows above the Datasets at once; `made` holds them afterwards, users first."""
    rows: list[BaseModel] = []
    with transaction():
        new = [
            _feature(dataset, schema, shifted=shifted)
            for dataset, schema in zip(datasets, trained.schema.features, strict=False)
        ]
        rows += new
        truth = None
        if len(datasets) > len(new) and trained.label is not None:
            truth = Label.from_dataset(datasets[-1], trained.label.columns)
            rows.append(truth)
        chosen: Any = new
        splitset = Splitset.make(chosen, truth, predictor_id=predictor)
    made[:0] = rows
    return splitset


def _feature(dataset: Dataset, trained: FeatureSchema, *, shifted: bool) -> Feature:
    feature = Feature.from_dataset(dataset, include_columns=trained.columns)
    window = trained.window
    if window is not None:
        Window.from_feature(feature, window.size, window.shift, shifted)
    return feature


def _refuse_shifted(trained: Trained, *, record_shifted: bool) -> None:
    if record_shifted and not any(one.window for one in trained.schema.features):
        msg = f"record_shifted=True was given, and {trained.splitset!r} has no Window."
        raise Incompatible(msg, hint="Leave it out; only forecasts have shifted windows.")


def _check_windows(given: Sequence[Given], trained: Trained, *, record_shifted: bool) -> None:
    """Refuse fewer rows than one window takes: the model says how many, not the user."""
    for index, (one, schema) in enumerate(zip(given, trained.schema.features, strict=True)):
        window = schema.window
        if window is None:
            continue
        least = window.size + (window.shift if record_shifted else 0)
        if one.shape[0] < least:
            target = f" and its target {window.shift} rows later" if record_shifted else ""
            msg = f"inputs[{index}] has {one.shape[0]} rows; the model takes windows of "
            msg += f"{window.size} rows{target}."
            hint = f"Give at least {least} rows."
            raise Incompatible(msg, hint=hint, count=one.shape[0], least=least)


def _check_counts(given: Sequence[Given], truth: Given | None, trained: Trained) -> None:
    """Refuse inputs of different lengths, where each row is a sample."""
    if any(schema.window for schema in trained.schema.features):
        return
    counts = {f"inputs[{index}]": one.shape[0] for index, one in enumerate(given)}
    if truth is not None:
        counts["target"] = truth.shape[0]
    if len(set(counts.values())) > 1:
        msg = f"The new data differ in their number of samples: {counts}."
        raise InvalidSplit(msg, hint="Give the same rows.", counts=counts)


def _datasets(
    given: Sequence[Given],
    features: Sequence[Feature],
    label: Label | None,
    made: list[BaseModel],
) -> list[Dataset]:
    """Return a Dataset for each input, in order; what is given twice is registered once."""
    wanted: dict[Any, list[str]] = {}
    owners = [feature.columns for feature in features] + ([] if label is None else [label.columns])
    for one, names in zip(given, owners, strict=False):
        columns = wanted.setdefault(_key(one), [])
        columns += [name for name in names if name not in columns]
    found: dict[Any, Dataset] = {}
    for one in given:
        key = _key(one)
        if key in found:
            continue
        if isinstance(one.values, Dataset):
            found[key] = one.values
        else:
            found[key] = _registered(one, wanted[key])
            made.append(found[key])
    return [found[_key(one)] for one in given]


def _key(given: Given) -> tuple[int, tuple[str, ...]]:
    """Return what tells data apart; one array has other names as another Feature."""
    return id(given.source), tuple(given.columns)


def _byte_count(values: Any) -> int:
    if isinstance(values, Dataset):
        return 0
    if hasattr(values, "memory_usage"):
        return int(values.memory_usage(deep=True).sum())
    return int(values.nbytes)


def _registered(given: Given, columns: list[str]) -> Dataset:
    values: Any = given.values
    if given.typ == DatasetType.TABULAR:
        return Dataset.Tabular.from_df(values[columns])
    register: Any = Dataset.Sequence if given.typ == DatasetType.SEQUENCE else Dataset.Image
    found: Dataset = register.from_numpy(values, rename_columns=given.columns)
    return found


def _given_schema(given: Sequence[Given | None], truth: Given | None, trained: Trained) -> Schema:
    """Return the schema of the Features and Label that would be made.

    That of an array with other axes is the trained one: it is listed by itself.
    """
    schemas = [
        schema
        if one is None
        else FeatureSchema(
            typ=str(one.typ),
            columns=one.columns,
            dtypes=one.dtypes,
            sample_shape=fixed_shape(one.typ, one.shape),
            window=schema.window,
        )
        for one, schema in zip(given, trained.schema.features, strict=True)
    ]
    if truth is None:
        return Schema(schemas, None)
    columns = truth.columns
    if trained.label is not None:
        # further columns of the data are not part of the Label
        columns = [name for name in columns if name in trained.label.columns]
    return Schema(schemas, LabelSchema(columns, truth.dtypes, _classes(truth, trained)))


def _classes(truth: Given, trained: Trained) -> list[Any] | None:
    """Return the classes among the true labels, where those that were trained on are known."""
    label = trained.label
    known = trained.schema.label
    if label is None or known is None or known.classes is None:
        return None
    # each column once: what lacks, or is there twice, is another error
    present = sorted(name for name in truth.columns if name in label.columns)
    if truth.typ != DatasetType.TABULAR or present != sorted(label.columns):
        return None
    if isinstance(truth.values, Dataset):
        return unique_classes(truth.values.to_df(columns=label.columns))
    values: Any = truth.values
    return unique_classes(values[label.columns])
