"""What identifies a Feature or Label, told of a declaration and of a row in the same words.

Equal content means: equal data (by digest), columns, and steps with equal arguments. A
declaration is compared with rows before anything is written, so that a cell that is run again
writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import to_json
from aiqc.mlops._columns import input_columns, target_columns
from aiqc.orm import (
    Dataset,
    FeatureInterpolater,
    FeatureShaper,
    LabelInterpolater,
    Window,
)
from aiqc.pipeline.filters import as_list, dtype_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiqc.mlops.input import Input
    from aiqc.mlops.target import Target
    from aiqc.orm import Feature, Label


def content_of_input(given: Input, target: Target | None) -> str:
    """Return the content of the Feature that an Input would become.

    Raises
    ------
    InvalidColumns, InvalidCoder, InvalidInput
        If a column, a preprocessor or an argument cannot be used.
    """
    window = given.window
    return to_json(
        {
            "data": Dataset.of(given.dataset).sha256_hexdigest,
            "columns": input_columns(given, target),
            "interpolaters": [
                [one.process_separately, _kwargs(one.interpolate_kwargs), *_filter(one)]
                for one in given.interpolater_list()
            ],
            "encoders": [
                [_estimator(one, for_label=False), one.include, *_filter(one)]
                for one in given.encoder_list()
            ],
            "window": None
            if window is None
            else [window.size_window, window.size_shift, window.record_shifted],
            "shape": None if given.reshape_indices is None else _tuples(given.reshape_indices),
        }
    )


def content_of_feature(feature: Feature) -> str:
    """Return the content of a Feature."""
    interpolaters = FeatureInterpolater.select().where(FeatureInterpolater.feature == feature)
    window = Window.get_or_none(Window.feature == feature)
    shaper = FeatureShaper.get_or_none(FeatureShaper.feature == feature)
    return to_json(
        {
            "data": feature.dataset.sha256_hexdigest,
            "columns": feature.columns,
            "interpolaters": [
                [
                    one.process_separately,
                    _sorted(one.interpolate_kwargs),
                    one.original_filter["dtypes"],
                    one.original_filter["columns"],
                ]
                for one in interpolaters.order_by(FeatureInterpolater.idx)
            ],
            "encoders": [
                [
                    coder.sha256_hexdigest,
                    coder.original_filter["include"],
                    coder.original_filter["dtypes"],
                    coder.original_filter["columns"],
                ]
                for coder in sorted(feature.featurecoders, key=lambda coder: coder.idx)
            ],
            "window": None
            if window is None
            else [window.size_window, window.size_shift, window.record_shifted],
            "shape": None if shaper is None else _tuples(shaper.reshape_indices),
        }
    )


def content_of_target(given: Target) -> str:
    """Return the content of the Label that a Target would become.

    Raises
    ------
    InvalidColumns, InvalidCoder, InvalidInput
        If a column, a preprocessor or an argument cannot be used.
    """
    interpolater, encoder = given.interpolater, given.own_encoder()
    return to_json(
        {
            "data": Dataset.of(given.dataset).sha256_hexdigest,
            "columns": target_columns(given),
            "interpolater": None
            if interpolater is None
            else [
                interpolater.process_separately,
                _kwargs(interpolater.interpolate_kwargs),
            ],
            "encoder": None if encoder is None else _estimator(encoder, for_label=True),
        }
    )


def content_of_label(label: Label) -> str:
    """Return the content of a Label."""
    interpolater = LabelInterpolater.get_or_none(LabelInterpolater.label == label)
    coder = label.labelcoders.first()
    return to_json(
        {
            "data": label.dataset.sha256_hexdigest,
            "columns": label.columns,
            "interpolater": None
            if interpolater is None
            else [interpolater.process_separately, _sorted(interpolater.interpolate_kwargs)],
            "encoder": None if coder is None else coder.sha256_hexdigest,
        }
    )


def _estimator(encoder: Any, *, for_label: bool) -> str:
    from aiqc.orm._coding import estimator_digest
    from aiqc.pipeline.coder_rules import prepare_coder

    prepared = prepare_coder(encoder.sklearn_preprocess, for_label=for_label)
    return estimator_digest(prepared.estimator)


def _kwargs(given: Any) -> dict[str, Any]:
    from aiqc.pipeline.interpolate import check_kwargs

    return _sorted(check_kwargs(given))


def _sorted(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: kwargs[name] for name in sorted(kwargs)}


def _filter(given: Any) -> list[Any]:
    dtypes = as_list(given.dtypes)
    return [
        None if dtypes is None else [dtype_name(dtype) for dtype in dtypes],
        as_list(given.columns),
    ]


def _tuples(indices: Any) -> Any:
    if isinstance(indices, list | tuple):
        return tuple(_tuples(index) for index in indices)
    return indices
