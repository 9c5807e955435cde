"""The closed vocabularies; values are the strings that the specification and the tables use."""

from __future__ import annotations

from enum import StrEnum


class DatasetType(StrEnum):
    """How many dimensions a Dataset has."""

    #: two: samples, columns
    TABULAR = "tabular"
    #: three: samples, rows, columns
    SEQUENCE = "sequence"
    #: four: samples, channels, rows, columns
    IMAGE = "image"


class Library(StrEnum):
    """Which library trains a model."""

    KERAS = "keras"
    PYTORCH = "pytorch"
    SKLEARN = "sklearn"
    #: numpy only, trains in milliseconds; for tests and demonstrations
    TOY = "toy"


class AnalysisType(StrEnum):
    """What a model predicts; decides metrics, default loss and default predict."""

    BINARY = "classification_binary"
    MULTI = "classification_multi"
    REGRESSION = "regression"

    @property
    def is_classification(self) -> bool:
        """Whether classes are predicted."""
        return self is not AnalysisType.REGRESSION


class Split(StrEnum):
    """Names of the splits of a Splitset or a Fold."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    FOLDS_TRAIN = "folds_train_combined"
    FOLD_VALIDATION = "fold_validation"


class RunState(StrEnum):
    """States of a Run (RULINGS, Status words)."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    ABORTED = "aborted"
    PRUNED = "pruned"
    TIMED_OUT = "timed_out"


class EncodingDimension(StrEnum):
    """In which shape a coder accepted its columns."""

    #: one estimator saw all columns as a 2-D array
    MULTI_COLUMN = "2D_multiColumn"
    #: one estimator a column, each as a 2-D array of one column
    SINGLE_COLUMN = "2D_singleColumn"
    #: one estimator a column, each as a 1-D array
    ONE_D = "1D"


class Output(StrEnum):
    """What the last layer of a classifier returns."""

    PROBABILITY = "probability"
    LOGIT = "logit"


class ModelForm(StrEnum):
    """How a trained model is stored."""

    #: arrays, put back into what fn_build makes
    WEIGHTS = "weights"
    #: a scikit-learn estimator, skops
    ESTIMATOR = "estimator"
    #: signed dill, because fn_build cannot rebuild it
    OPAQUE = "opaque"
    #: nothing could be stored; predictions and metrics are kept
    MISSING = "missing"
