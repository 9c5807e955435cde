"""Inference: a Predictor and new data become a Prediction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiqc.mlops._same_prediction import equal_prediction
from aiqc.orm import Dataset, Predictor
from aiqc.orm._lists import as_list

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.orm import Prediction


def Inference(
    predictor: int | Predictor,
    input_datasets: int | Dataset | Sequence[int | Dataset],
    target_dataset: int | Dataset | None = None,
    record_shifted: bool = False,
    *,
    force: bool = False,
) -> Prediction:
    """Predict new data with a trained model; returns the Prediction.

    The columns are chosen by name, so that further or reordered ones are fine, and pass through
    the steps that were fitted when the model was trained. If the same Predictor has predicted
    equal data before (by digest, not by id), that Prediction is returned and nothing is written.

    Parameters
    ----------
    predictor
        The Predictor or its id.
    input_datasets
        A Dataset, or its id, for each Input of the pipeline, in order.
    target_dataset
        Holds the true values, under the target's names: the predictions are scored then.
    record_shifted
        Whether the true future of each window is in the data: a forecast is scored then.
    force
        Whether the data are predicted again although an equal Prediction exists.

    Raises
    ------
    Incompatible
        If the data are not of the schema that the model was trained on.
    UntrustedCode
        If the Algorithm's functions are not trusted.

    Examples
    --------
    ::

        Inference(predictor, new_dataset).predictions
    """
    row = Predictor.of(predictor)
    datasets = [Dataset.of(dataset) for dataset in as_list(input_datasets)]
    target = None if target_dataset is None else Dataset.of(target_dataset)
    found = None if force else equal_prediction(row, datasets, target, record_shifted)
    if found is not None:
        return found
    return row.infer([*datasets], target, record_shifted=record_shifted)
