"""Figures and frames of one Predictor or Prediction: fetch values, call plots, show once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pandas as pd

from aiqc.core.enums import AnalysisType, DatasetType, Split
from aiqc.core.errors import Incompatible, InvalidInput, NotReady
from aiqc.orm.fit import fit_of_label
from aiqc.pipeline.curves import plot_data_of, precision_recall_area, roc_area
from aiqc.plots._show import present
from aiqc.plots._text import cut
from aiqc.plots.confidence import confidence_figure, confidence_info
from aiqc.plots.confusion_matrix import confusion_figure, confusion_info
from aiqc.plots.feature_importance import importance_figure, importance_info
from aiqc.plots.learning_curve import learning_curve_figure, learning_curve_info
from aiqc.plots.precision_recall import precision_recall_figure, precision_recall_info
from aiqc.plots.roc_curve import roc_figure, roc_info

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from aiqc.core.types import Array
    from aiqc.orm.prediction import Prediction
    from aiqc.orm.predictor import Predictor
    from aiqc.pipeline.label_fit import LabelFit

F = TypeVar("F")
#: characters of a Dataset's name in a title
_NAME_LENGTH = 24


def learning_curves(
    predictor: Predictor, *, skip_head: bool, call_display: bool
) -> list[go.Figure] | None:
    """Draw the history; see `Predictor.plot_learning_curve`."""
    history = predictor.history
    if not history:
        msg = f"{predictor!r} has no history: its fn_train returned none."
        raise NotReady(msg, hint="Return (model, history) from fn_train.")
    splitset = predictor.job.queue.splitset
    infos = learning_curve_info(
        history,
        skip_head,
        predictor_id=predictor.id,
        train_split=splitset.train_key(),
        evaluation_split=splitset.key_evaluation or Split.VALIDATION,
    )
    return _shown([learning_curve_figure(info) for info in infos], call_display)


def samples_of(prediction: Prediction) -> dict[str, list[int]]:
    """Return {split: sample numbers in the Dataset} behind a Prediction."""
    if prediction.splitset is not None:
        # an inference predicts all samples of its Splitset, under a name of its own
        return dict(zip(prediction.predictions, prediction.splitset.samples.values(), strict=True))
    job = prediction.predictor.job
    return job.queue.splitset.samples if job.fold is None else job.fold.samples


def label_fit_of(prediction: Prediction) -> LabelFit:
    """Return the label's fit that the Prediction was decoded with."""
    job = prediction.predictor.job
    return fit_of_label(job.queue.splitset, job.fold)


def truth_of(prediction: Prediction, split: str) -> Array:
    """Return the true class codes `(samples,)` of one split that has labels."""
    splitset = prediction.splitset or prediction.predictor.job.queue.splitset
    fit = label_fit_of(prediction)
    frame = splitset.supervising_label().to_df(samples=samples_of(prediction)[split])
    return fit.ordinal(fit.encode(frame))


def is_labelled(prediction: Prediction) -> bool:
    """Return whether the true classes are known; new samples may come without."""
    return prediction.splitset is None or prediction.splitset.label is not None


def plot_data(prediction: Prediction) -> dict[str, dict[str, Any]] | None:
    """Derive the curves; see `Prediction.plot_data`."""
    if not _analysis(prediction).is_classification or not is_labelled(prediction):
        return None
    fit = label_fit_of(prediction)
    classes = _classes(fit)
    probabilities = prediction.probabilities or {}
    return {
        split: cast(
            "dict[str, Any]",
            plot_data_of(
                truth_of(prediction, split),
                codes_of(decoded, classes),
                probabilities.get(split),
                len(classes),
            ),
        )
        for split, decoded in prediction.predictions.items()
    }


def codes_of(decoded: Array, classes: Array) -> Array:
    """Return the class codes of decoded predictions."""
    position = {value: code for code, value in enumerate(classes.tolist())}
    return np.array([position[value] for value in decoded.ravel().tolist()], dtype=np.int64)


def roc_curve(prediction: Prediction, *, call_display: bool) -> go.Figure | None:
    """Draw ROC curves; see `Prediction.plot_roc_curve`."""
    data = _curve_data(prediction, "roc_curve")
    info = roc_info(
        data,
        {split: roc_area(cast("Any", curve)) for split, curve in data.items()},
        is_micro=_analysis(prediction) is AnalysisType.MULTI,
        prediction_id=prediction.id,
    )
    return _shown(roc_figure(info), call_display)


def precision_recall(prediction: Prediction, *, call_display: bool) -> go.Figure | None:
    """Draw precision-recall curves; see `Prediction.plot_precision_recall`."""
    data = _curve_data(prediction, "precision_recall_curve")
    is_multi = _analysis(prediction) is AnalysisType.MULTI
    class_count = len(_classes(label_fit_of(prediction)))
    info = precision_recall_info(
        data,
        {
            split: 1 / class_count if is_multi else float(np.mean(truth_of(prediction, split)))
            for split in data
        },
        {split: precision_recall_area(cast("Any", curve)) for split, curve in data.items()},
        is_micro=is_multi,
        prediction_id=prediction.id,
    )
    return _shown(precision_recall_figure(info), call_display)


def confusion_matrices(prediction: Prediction, *, call_display: bool) -> list[go.Figure] | None:
    """Draw one confusion matrix a split; see `Prediction.plot_confusion_matrix`."""
    data = plot_data(prediction)
    if data is None:
        raise _needs(prediction, "classes")
    names = label_fit_of(prediction).class_names
    figures = [
        confusion_figure(
            confusion_info(found["confusion_matrix"], names, split, prediction_id=prediction.id)
        )
        for split, found in data.items()
    ]
    return _shown(figures, call_display)


def confidence(
    prediction: Prediction, index: int, split: str | None, *, height: int, call_display: bool
) -> go.Figure | None:
    """Draw the probabilities of one sample; see `Prediction.plot_confidence`."""
    probabilities = prediction.probabilities
    if probabilities is None:
        raise _needs(prediction, "probabilities")
    name = _split(prediction, probabilities, split)
    count = len(probabilities[name])
    if not _is_row(index, count):
        msg = f"prediction_index={index!r} is not a row of split {name!r} with {count} rows."
        raise InvalidInput(msg, hint=f"Use 0 to {count - 1}.", value=index)
    fit = label_fit_of(prediction)
    truth = None
    if is_labelled(prediction):
        truth = _classes(fit)[truth_of(prediction, name)[index]]
    info = confidence_info(
        probabilities[name][index],
        fit.class_names,
        truth,
        prediction.predictions[name][index],
        int(index),
        name,
        sample=samples_of(prediction)[name][index],
        prediction_id=prediction.id,
        height=height,
    )
    return _shown(confidence_figure(info, height), call_display)


def importance_frame(
    prediction: Prediction, top_n: int | None, feature_id: int | None
) -> pd.DataFrame:
    """Tabulate feature importance; see `Prediction.importance_df`."""
    found = _importance(prediction)
    if feature_id is not None and str(feature_id) not in found:
        msg = f"{prediction!r} has no Feature {feature_id}."
        raise InvalidInput(msg, hint=f"Use one of {sorted(found)}.", value=feature_id)
    rows = [
        (int(key), column, facts["median"])
        for key, columns in found.items()
        if feature_id is None or key == str(feature_id)
        for column, facts in columns.items()
    ]
    frame = pd.DataFrame(rows, columns=["FeatureID", "Feature", "Median"])
    ranked = frame.sort_values("Median", ascending=False, kind="stable", ignore_index=True)
    return ranked if top_n is None else ranked.head(top_n)


def importance_figures(
    prediction: Prediction,
    *,
    call_display: bool,
    top_n: int,
    height: int | None,
    margin_left: int | None,
) -> list[go.Figure] | None:
    """Draw feature importance; see `Prediction.plot_feature_importance`."""
    figures = []
    found, names = _importance(prediction), _feature_names(prediction)
    for key, columns in found.items():
        impacts = {
            name: (facts["median"], facts["loss_impacts"]) for name, facts in columns.items()
        }
        info = importance_info(
            impacts,
            top_n,
            feature=_feature_title(key, names.get(key, ""), is_permuted=bool(columns)),
            split=prediction.importance_split or Split.TRAIN,
            prediction_id=prediction.id,
        )
        figures.append(importance_figure(info, height, margin_left))
    return _shown(figures, call_display)


def _feature_names(prediction: Prediction) -> dict[str, str]:
    """Return what a person knows each of several Features by; one alone needs no name."""
    features = prediction.predictor.job.queue.splitset.features
    if len(features) == 1:
        return {}
    return {
        str(feature.id): cut(feature.dataset.name or str(feature.dataset.typ), _NAME_LENGTH)
        for feature in features
    }


def _feature_title(key: str, name: str, *, is_permuted: bool) -> str:
    if not is_permuted:
        # only the columns of images are not
        kind = "images, not permuted"
        name = kind if name in ("", DatasetType.IMAGE) else f"{name}; {kind}"
    return f"Feature {key} ({name})" if name else f"Feature {key}"


def _importance(prediction: Prediction) -> dict[str, dict[str, dict[str, Any]]]:
    found = prediction.feature_importance
    if found is None:
        msg = f"The feature importance of {prediction!r} was not computed."
        hint = "Call prediction.calc_featureImportance(permute_count=3)."
        if prediction.splitset_id is not None:
            hint = "It is an inference; importance is that of predictor.predictions[0]."
        raise NotReady(msg, hint=hint, prediction_id=prediction.id)
    return found


def _curve_data(prediction: Prediction, key: str) -> dict[str, dict[str, Array]]:
    data = plot_data(prediction)
    if data is None or prediction.probabilities is None:
        raise _needs(prediction, "probabilities")
    return {split: found[key] for split, found in data.items()}


def _needs(prediction: Prediction, what: str) -> Incompatible:
    analysis = _analysis(prediction)
    msg = f"{prediction!r} ({analysis}) has no {what} to plot."
    hint = "Use metrics, or plot_performance of its Queue."
    if analysis.is_classification:
        hint = "Return (predictions, probabilities) from fn_predict."
    known = what == "classes" or prediction.probabilities is not None
    if analysis.is_classification and known and not is_labelled(prediction):
        msg = f"{prediction!r} has no true classes to plot: its samples came without a Label."
        hint = "Make the Splitset for inference with a label_id."
    return Incompatible(msg, hint=hint, prediction_id=prediction.id)


def _is_row(index: object, count: int) -> bool:
    is_integer = isinstance(index, int | np.integer) and not isinstance(index, bool)
    return is_integer and 0 <= int(str(index)) < count


def _split(prediction: Prediction, found: dict[str, Array], asked: str | None) -> str:
    splitset = prediction.predictor.job.queue.splitset
    if asked is None:
        # an inference has one split, which is none of them
        order = (splitset.key_test, splitset.key_evaluation, splitset.key_train, *found)
        return next(str(name) for name in order if name in found)
    if asked not in found:
        msg = f"{prediction!r} has no split {asked!r}."
        raise InvalidInput(msg, hint=f"Use one of {list(found)}.", value=asked)
    return asked


def _analysis(prediction: Prediction) -> AnalysisType:
    return prediction.predictor.job.queue.algorithm.analysis_type


def _classes(fit: LabelFit) -> Array:
    return np.asarray(fit.classes)


def _shown(figures: F, call_display: bool) -> F | None:
    return cast("F | None", present(cast("Any", figures), call_display))
