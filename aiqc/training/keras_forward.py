"""Whole splits through a Keras model by one compiled function, whatever their length."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import InvalidFunction
from aiqc.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiqc.core.types import Array, Features, Shape

#: values of one chunk: 32 MB of float32
CHUNK_VALUES = 2**23
#: rows of one chunk, however few columns they have
CHUNK_ROWS = 2**14

_MEANS = ("sum_over_batch_size", "mean", "mean_with_sample_weight")

# Graphs are compiled once a model (and loss) and shape of a sample; the row axis stays open. An
# entry goes when its model does.
_GRAPHS: weakref.WeakKeyDictionary[Any, dict[Any, Callable[..., Any]]]
_GRAPHS = weakref.WeakKeyDictionary()


def forward(model: Any, features: Features) -> Array:
    """Return the outputs of a whole split in inference mode.

    One compiled function serves every split and chunk: its row axis is open, so that another
    length does not compile anew (`model.predict` costs 80 ms a call, this 3).

    Parameters
    ----------
    model
        Built.
    features
        `(samples, ...)`, or a list of arrays for several Features.

    Raises
    ------
    InvalidFunction
        If the model returns something else than one tensor.
    """
    outputs = [as_output(_call_compiled(model, chunk)) for chunk in _chunks(features)]
    return outputs[0] if len(outputs) == 1 else np.concatenate(outputs)


def mean_loss(model: Any, loser: Any, features: Features, label: Array) -> float:
    """Return the mean loss of a whole split in inference mode, as `model.evaluate` computes it.

    Outputs and loss are one graph: cheaper than a loss of outputs that came back as an array, and
    Keras then takes the logits under a last softmax or sigmoid rather than clipped probabilities.

    Parameters
    ----------
    model
        Built.
    loser
        Any that Keras compiles with: an instance, a function or its name.
    features
        See `forward`.
    label
        Encoded, of the same samples.
    """
    function = load("keras").losses.get(loser) if isinstance(loser, str) else loser
    chunks = _chunks(features)
    if is_tensorflow() and _is_weak(function) and (len(chunks) == 1 or _is_mean(function)):
        size = _row_count(chunks[0])
        labels = [label[start : start + size] for start in range(0, len(label), size)]
        means = [
            float(np.mean(to_numpy(_call_graph(model, chunk, function, part))))
            for chunk, part in zip(chunks, labels, strict=True)
        ]
        return float(np.average(means, weights=[len(part) for part in labels]))
    convert = load("keras").ops.convert_to_tensor
    value = function(convert(label), convert(forward(model, features)))
    return float(np.mean(to_numpy(value)))


def probe(model: Any, features: Features) -> Any:
    """Return what the model returns for one batch, in inference mode, without compiling."""
    return model(features, training=False)


def to_numpy(value: Any) -> Array:
    """Return a tensor of any backend as an array; half precision as float32."""
    array: Array = load("keras").ops.convert_to_numpy(value)
    half = array.dtype.name in ("bfloat16", "float16")
    return array.astype(np.float32) if half else array


def build_model(model: Any, shapes: Shape | list[Shape]) -> None:
    """Give a lazily built model its weights by one forward pass of one sample of zeros.

    Subclassed models may need it even when `build` was called.
    """
    if isinstance(shapes, list):
        sample: Any = [np.zeros((1, *shape), np.float32) for shape in shapes]
    else:
        sample = np.zeros((1, *shapes), np.float32)
    model(sample, training=False)


def is_tensorflow() -> bool:
    """Return whether Keras computes with TensorFlow."""
    return bool(load("keras").backend.backend() == "tensorflow")


def _call_compiled(model: Any, batch: Any) -> Any:
    if is_tensorflow():
        return _call_graph(model, batch)
    return model.predict_on_batch(batch)


def _call_graph(model: Any, batch: Any, loser: Any = None, label: Any = None) -> Any:
    """Return the outputs of a batch, or their loss against a label, from a cached graph."""
    convert = load("tensorflow").convert_to_tensor
    tensors = [convert(array) for array in _as_list(batch)]
    if loser is not None:
        tensors.append(convert(label))
    shapes = _sample_shapes(tensors)
    # A dead loss may share its id with this one, so the key holds what tells them apart.
    key = (shapes, None if loser is None else weakref.ref(loser))
    graphs = _GRAPHS.setdefault(model, {})
    if key not in graphs:
        graphs[key] = _compile(_step(model, loser, several=isinstance(batch, list)), shapes)
    return graphs[key](*tensors)


def _step(model: Any, loser: Any, *, several: bool) -> Callable[..., Any]:
    """Return what a graph computes; model and loss are held weakly, or the cache kept them."""
    model_of = weakref.ref(model)
    loser_of = None if loser is None else weakref.ref(loser)

    def outputs_of(*inputs: Any) -> Any:
        return _alive(model_of).predict_step((list(inputs) if several else inputs[0],))

    def loss_of(*tensors: Any) -> Any:
        return _alive(loser_of)(tensors[-1], outputs_of(*tensors[:-1]))

    return outputs_of if loser is None else loss_of


def _alive(reference: Any) -> Any:
    """Return what a weak reference of a graph under construction refers to."""
    return reference()


def _is_mean(loser: Any) -> bool:
    """Return whether a loss of several chunks is the mean of theirs by rows."""
    return getattr(loser, "reduction", None) in _MEANS


def _row_count(batch: Any) -> int:
    return len(_as_list(batch)[0])


def _is_weak(value: Any) -> bool:
    try:
        hash(weakref.ref(value))
    except TypeError:
        return False
    return True


def _compile(function: Callable[..., Any], samples: tuple[Any, ...]) -> Callable[..., Any]:
    """Return a graph for any number of rows, as Keras makes it: without autograph."""
    tensorflow = load("tensorflow")
    signature = [tensorflow.TensorSpec((None, *shape), dtype) for shape, dtype in samples]
    graph = tensorflow.function(function, autograph=False, input_signature=signature)
    # A concrete function: TensorFlow warns of retracing when it sees many models' graphs.
    compiled: Callable[..., Any] = graph.get_concrete_function()
    return compiled


def _sample_shapes(tensors: list[Any]) -> tuple[Any, ...]:
    return tuple((tuple(tensor.shape[1:]), tensor.dtype) for tensor in tensors)


def _as_list(features: Any) -> list[Any]:
    return features if isinstance(features, list) else [features]


def _chunks(features: Features) -> list[Any]:
    arrays = _as_list(features)
    values = sum(array[:1].size for array in arrays)
    size = max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(values, 1)))
    starts = range(0, len(arrays[0]), size)
    if isinstance(features, list):
        return [[array[start : start + size] for array in features] for start in starts]
    return [features[start : start + size] for start in starts]


def as_output(returned: Any) -> Array:
    """Return the model's output as an array; refuse anything but one tensor."""
    if not isinstance(returned, list | tuple | dict):
        return to_numpy(returned)
    msg = f"The model of fn_build returned {type(returned).__name__} instead of one tensor."
    hint = "Give the model one output, or pass fn_predict."
    raise InvalidFunction(msg, hint=hint, function="fn_build")
