"""Declarations become rows, one step after another; what fails takes its rows back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aiqc.mlops._columns import input_columns, target_columns
from aiqc.orm import (
    Dataset,
    Feature,
    FeatureCoder,
    FeatureInterpolater,
    FeatureShaper,
    Label,
    LabelCoder,
    LabelInterpolater,
    Window,
)
from aiqc.orm._database import transaction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.mlops.input import Input
    from aiqc.mlops.target import Target


@contextmanager
def taken_back_on_error() -> Iterator[list[Any]]:
    """Yield a list for the rows that are made; an error, Ctrl-C too, deletes them.

    One transaction around everything would hold the write lock of an SQLite store while encoders
    are tried on all of the data, and keep every other process from writing.
    """
    made: list[Any] = []
    try:
        yield made
    except BaseException:
        take_back(made)
        raise


def take_back(made: list[Any]) -> None:
    """Delete rows, the last one first, and the steps that belong to them."""
    with transaction():
        while made:
            made.pop().delete_instance()


def make_feature(given: Input, target: Target | None, made: list[Any]) -> Feature:
    """Make the Feature of an Input, then its steps: interpolate, encode, window, shape.

    Parameters
    ----------
    given
        The declaration.
    target
        Its columns are left out.
    made
        The new Feature is added to it at once.
    """
    columns = input_columns(given, target)
    feature = Feature.from_dataset(given.dataset, include_columns=columns)
    made.append(feature)
    for interpolater in given.interpolater_list():
        FeatureInterpolater.from_feature(
            feature,
            process_separately=interpolater.process_separately,
            interpolate_kwargs=interpolater.interpolate_kwargs,
            dtypes=interpolater.dtypes,
            columns=interpolater.columns,
            verbose=interpolater.verbose,
        )
    for encoder in given.encoder_list():
        FeatureCoder.from_feature(
            feature,
            encoder.sklearn_preprocess,
            include=encoder.include,
            dtypes=encoder.dtypes,
            columns=encoder.columns,
            verbose=encoder.verbose,
        )
    window = given.window
    if window is not None:
        Window.from_feature(
            feature, window.size_window, window.size_shift, record_shifted=window.record_shifted
        )
    if given.reshape_indices is not None:
        FeatureShaper.from_feature(feature, given.reshape_indices)
    return feature


def make_label(given: Target, made: list[Any]) -> Label:
    """Make the Label of a Target, then its steps: interpolate, encode.

    Parameters
    ----------
    given
        The declaration.
    made
        The new Label is added to it at once.
    """
    dataset = Dataset.of(given.dataset)
    label = Label.from_dataset(dataset, columns=target_columns(given))
    made.append(label)
    interpolater, encoder = given.interpolater, given.own_encoder()
    if interpolater is not None:
        LabelInterpolater.from_label(
            label,
            process_separately=interpolater.process_separately,
            interpolate_kwargs=interpolater.interpolate_kwargs,
        )
    if encoder is not None:
        LabelCoder.from_label(label, encoder.sklearn_preprocess)
    return label
