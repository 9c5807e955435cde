"""Frozen values that cross between rooms; rows of tables never do (DESIGN §2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from datetime import datetime

    from aiqc.core.enums import AnalysisType, Library, ModelForm, Output

Array: TypeAlias = npt.NDArray[Any]
Hyperparameters: TypeAlias = Mapping[str, Any]
#: one feature array, or a list of them when a Splitset has several Features
Features: TypeAlias = "Array | list[Array]"
Shape: TypeAlias = tuple[int, ...]
#: metric name -> value, at full precision; NaN where a metric is undefined
Scores: TypeAlias = dict[str, float]
#: series name -> one number an epoch
History: TypeAlias = dict[str, npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of an Algorithm, loaded; None stands for the library's default."""

    build: Callable[..., Any]
    train: Callable[..., Any] | None = None
    predict: Callable[..., Any] | None = None
    lose: Callable[..., Any] | None = None
    optimize: Callable[..., Any] | None = None


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes of one sample, as `fn_build` receives them."""

    #: a tuple, or a list of tuples for several Features
    features: Shape | list[Shape]
    #: `(classes,)` for multi-class whether ordinal or one-hot (RULINGS, Training); of an
    #: unsupervised target, e.g. `(rows, columns)`
    label: Shape


class LabelDecoder(Protocol):
    """Turns encoded labels, or unsupervised targets, back into the user's classes and units."""

    @property
    def classes(self) -> Array | None:
        """Original class of each ordinal code, in order; None for regression."""
        ...

    def ordinal(self, encoded: Array) -> Array:
        """Return class codes `(samples,)` int64 of an encoded label, ordinal or one-hot."""
        ...

    def decode(self, values: Array) -> Array:
        """Return original labels or units of ordinal codes or encoded numbers.

        `(samples,)` of a label, `(samples, ..., original columns)` of an unsupervised target. A
        number that is not finite stays so and disturbs no other sample.
        """
        ...


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """Everything that one run trains on; holds arrays and functions, no rows."""

    library: Library
    analysis_type: AnalysisType
    functions: Functions
    hyperparameters: Hyperparameters
    shapes: Shapes
    #: split name -> encoded features; possibly memory-mapped
    features: Mapping[str, Features]
    #: split name -> encoded label `(samples, label columns)`, or unsupervised target
    #: `(samples, ...)`; a split that is only predicted has none
    label: Mapping[str, Array]
    key_train: str
    key_evaluation: str | None
    decoder: LabelDecoder
    seed: int
    thread_count: int
    #: the user's own metrics: name -> function(true, predicted) on decoded values
    metrics: Mapping[str, Callable[[Array, Array], float]] = field(default_factory=dict)
    #: permutations per column; 0 skips feature importance
    permute_count: int = 0
    #: one per Feature: original column -> positions on the last axis; None: not permuted
    permute_groups: tuple[Mapping[str, list[int]] | None, ...] = ()
    #: one list per Feature: names of the encoded columns, on the last axis; for messages
    feature_names: tuple[list[str], ...] = ()
    #: one per Feature: shape of an encoded sample before its FeatureShaper, columns last; empty:
    #: no Feature is reshaped
    encoded_shapes: tuple[Shape, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A trained model as bytes, and what is needed to make it a model again."""

    form: ModelForm
    #: packed arrays (WEIGHTS), skops (ESTIMATOR), dill (OPAQUE); None when MISSING
    model: bytes | None
    #: packed optimizer state; None where the library has none
    optimizer: bytes | None = None
    #: what a classifier returns; None for regression
    output: Output | None = None
    #: why the form is not the usual one; shown as a warning
    note: str = ""


#: one per Feature: column -> (median impact, one impact a permutation); None: skipped
Importance: TypeAlias = "tuple[dict[str, tuple[float, list[float]]] | None, ...]"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a finished run leaves."""

    #: shapes of one sample
    shapes: Shapes
    history: History
    model: StoredModel
    #: split -> decoded predictions `(samples,)`; of an unsupervised model `(samples, ...,
    #: original columns)`
    predictions: dict[str, Array]
    #: split -> `(samples, 1)` binary or `(samples, classes)`; None for regression
    probabilities: dict[str, Array] | None
    #: split -> scores, `loss` among them
    metrics: dict[str, Scores]
    importance: Importance | None
    #: wall seconds of fn_build .. importance
    seconds: float
    #: warnings that the user should see with the result
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that holds a lease; enough to prove on this host that it is dead."""

    host: str
    boot_id: str
    pid: int
    #: start time of the process in the operating system's own ticks
    process_start: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to execute one run until `expires`; the token decides, not the clock."""

    run_id: int
    #: grows with every claim of the run; a result with an old token is refused
    token: int
    owner: Owner
    expires: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception of a run, as it is stored."""

    error_type: str
    message: str
    traceback: str
