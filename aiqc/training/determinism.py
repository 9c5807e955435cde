"""Runs draw from their own seed and thread count; the user's are put back afterwards."""

from __future__ import annotations

import random
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from aiqc.core.enums import Library
from aiqc.core.lazy import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aiqc.core.protocols import Backend
    from aiqc.core.types import TrainingTask

_KERAS_STATE = ("global_random_seed", "global_seed_generator")


@contextmanager
def isolated(task: TrainingTask, backend: Backend) -> Iterator[None]:
    """Seed every generator and apply the thread count; restore both at the end.

    Covers `random`, numpy's global generator, torch (CPU and accelerators), Keras and
    TensorFlow, and the pools that threadpoolctl finds. Bit-equal results are promised for the
    same thread count only (some kernels split their sums by thread).

    Parameters
    ----------
    task
        Gives library, seed and thread count.
    backend
        Seeds its library.
    """
    _preload(task.library)
    with ExitStack() as stack:
        for restore in _restorers(task.library):
            stack.callback(restore)
        backend.seed(task.seed, task.thread_count)
        stack.enter_context(_pools().limit(limits=task.thread_count))
        yield


def seed_numpy(seed: int) -> None:
    """Seed `random` and numpy's global generator, from which users' functions draw."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - the global generator is the one users' code draws from


class _Pools:
    """The thread pools that were found, and when."""

    controller: ClassVar[Any] = None
    module_count: ClassVar[int] = 0


def _pools() -> Any:
    """Return threadpoolctl's controller; finding the pools is slow, so only after an import."""
    from threadpoolctl import ThreadpoolController

    if _Pools.module_count != len(sys.modules):
        _Pools.controller = ThreadpoolController()
        _Pools.module_count = len(sys.modules)
    return _Pools.controller


def _preload(library: Library) -> None:
    """Load what must be there before states are read and thread pools are found."""
    if library is Library.PYTORCH:
        load("torch")
    elif library is Library.KERAS:
        load("keras")
    elif library is Library.SKLEARN:
        load("scipy.linalg")
        load("sklearn.utils")


def _restorers(library: Library) -> Iterator[Callable[[], Any]]:
    state, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - see seed_numpy
    yield lambda: random.setstate(state)
    yield lambda: np.random.set_state(legacy)  # noqa: NPY002 - see seed_numpy
    if "torch" in sys.modules:
        yield from _torch_restorers(library)
    if "keras" in sys.modules:
        yield _keras_restorer()
    if "tensorflow" in sys.modules:
        yield _tensorflow_restorer()


def _torch_restorers(library: Library) -> Iterator[Callable[[], Any]]:
    torch = load("torch")
    state = torch.get_rng_state()
    yield lambda: torch.set_rng_state(state)
    if torch.cuda.is_initialized():
        devices = torch.cuda.get_rng_state_all()
        yield lambda: torch.cuda.set_rng_state_all(devices)
    if library is Library.PYTORCH:
        threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
        yield lambda: torch.set_num_threads(threads)
        yield lambda: torch.use_deterministic_algorithms(strict, warn_only=warn_only)


def _keras_restorer() -> Callable[[], None]:
    """Keras keeps its seed and generator as global attributes; there is no public reader."""
    try:
        state = load("keras.src.backend.common.global_state")
    except ImportError:
        return _nothing
    kept = {name: state.get_global_attribute(name) for name in _KERAS_STATE}

    def restore() -> None:
        for name, value in kept.items():
            state.set_global_attribute(name, value)

    return restore


def _tensorflow_restorer() -> Callable[[], None]:
    """Eager TensorFlow draws operation seeds from a `random.Random` of its context."""
    try:
        context = load("tensorflow.python.eager.context").context()
    except ImportError:
        return _nothing
    kept = {name: vars(context)[name] for name in ("_seed", "_rng") if name in vars(context)}

    def restore() -> None:
        for name, value in kept.items():
            setattr(context, name, value)

    return restore


def _nothing() -> None:
    """Stand in where a later release keeps its state elsewhere."""
