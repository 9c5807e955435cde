"""Finding the Prediction that exists already, by content of the new data and never by id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiqc.orm import (
    Dataset,
    Feature,
    Prediction,
    Predictor,
    Splitset,
    SplitsetFeature,
    Window,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def equal_prediction(
    predictor: Predictor,
    inputs: Sequence[Dataset],
    target: Dataset | None,
    record_shifted: bool,
) -> Prediction | None:
    """Return the newest Prediction of a Predictor on equal new data; None if there is none.

    Parameters
    ----------
    predictor
        The model.
    inputs
        A Dataset for each Feature, or one for them all.
    target
        The true values, if there are any.
    record_shifted
        Whether windows have shifted ones as their target.
    """
    wanted = [dataset.sha256_hexdigest for dataset in inputs]
    if not wanted:
        return None
    for row in _of_data(predictor, wanted[0]):
        features = _features(row)
        digests = [feature.dataset.sha256_hexdigest for feature in features]
        same_inputs = digests in (wanted, wanted * len(digests) if len(wanted) == 1 else wanted)
        if same_inputs and _same_target(row, target) and _same_future(features, record_shifted):
            found: Prediction = row
            return found
    return None


def _of_data(predictor: Predictor, digest: str) -> Any:
    """Return the Predictions whose first new data are these, the newest first.

    The database chooses them: a model may have predicted thousands of other data.
    """
    return (
        Prediction.select(Prediction)
        .join(SplitsetFeature, on=(SplitsetFeature.splitset == Prediction.splitset))
        .join(Feature)
        .join(Dataset)
        .where(Prediction.predictor == predictor, SplitsetFeature.idx == 0)
        .where(Dataset.sha256_hexdigest == digest)
        .order_by(Prediction.id.desc())
    )


def _features(row: Any) -> list[Any]:
    links = SplitsetFeature.select().where(SplitsetFeature.splitset == row.splitset_id)
    return [link.feature for link in links.order_by(SplitsetFeature.idx)]


def _same_target(row: Any, target: Dataset | None) -> bool:
    splitset = Splitset.select(Splitset.label).where(Splitset.id == row.splitset_id).get()
    if splitset.label is None or target is None:
        return splitset.label is None and target is None
    return bool(splitset.label.dataset.sha256_hexdigest == target.sha256_hexdigest)


def _same_future(features: Sequence[Any], record_shifted: bool) -> bool:
    windows = [Window.get_or_none(Window.feature == feature) for feature in features]
    recorded = [False if window is None else window.record_shifted for window in windows]
    return recorded == [record_shifted] * len(features)
