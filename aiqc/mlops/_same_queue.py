"""Finding the Queue that exists already, by content and never by id."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiqc.core.codecs import to_json
from aiqc.core.enums import AnalysisType, Library
from aiqc.core.seeds import check_seed, from_digest
from aiqc.orm import Queue, Splitset
from aiqc.orm._lists import one_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiqc.mlops.architecture import Architecture
    from aiqc.mlops.trainer import Trainer
    from aiqc.orm import Algorithm, Hyperparamset


@dataclass(frozen=True, slots=True)
class Key:
    """What a Queue is found by."""

    splitset: Splitset
    name: str | None
    trainer: Trainer
    #: of the functions that would run
    code: str
    #: of the hyperparameters, as JSON; order matters, it is that of the runs
    space: str
    #: size of a random subset: count, share
    search: tuple[int | None, float | None]
    #: None: derived from the content
    seed: int | None


def key_of(architecture: Architecture, trainer: Trainer, splitset: Splitset, name: Any) -> Key:
    """Return what a Queue is found by; bundles the functions and runs none.

    Raises
    ------
    InvalidInput
        If the library, the analysis type, a hyperparameter, the search or the seed is not known.
    InvalidFunction
        If a function cannot be stored.
    """
    from aiqc.pipeline.grid import clean_search, clean_space

    given = architecture.hyperparameters
    return Key(
        splitset=splitset,
        name=name,
        trainer=trainer,
        code=_code_declared(architecture),
        space=to_json(None if given is None else clean_space(given)),
        search=clean_search(trainer.search_count, trainer.search_percent),
        seed=None if trainer.seed is None else check_seed(trainer.seed),
    )


def equal_queue(key: Key) -> Queue | None:
    """Return the newest Queue of the same content; None if there is none."""
    for row in _candidates(key):
        # the functions last: they are read from blobs
        is_same = _same_search(row.hyperparamset, key) and row.seed == _queue_seed(row, key)
        if is_same and _code_stored(row.algorithm) == key.code:
            return row
    return None


def _candidates(key: Key) -> Iterator[Queue]:
    """Yield the Queues of these samples and counts, the newest first.

    A Splitset of another name is another pipeline, though its samples be the same.
    """
    splitset = key.splitset
    named = Queue.name.is_null() if key.name is None else Queue.name == key.name
    pipeline = Splitset.name.is_null() if splitset.name is None else Splitset.name == splitset.name
    query = (
        Queue.select(Queue)
        .join(Splitset)
        .where(named, pipeline, Splitset.sha256_hexdigest == splitset.sha256_hexdigest)
        .where(Queue.repeat_count == int(key.trainer.repeat_count))
        .where(Queue.permute_count == int(key.trainer.permute_count))
        .order_by(Queue.id.desc())
    )
    yield from list(query)


def _code_declared(architecture: Architecture) -> str:
    from aiqc.core.functions import bundle_function
    from aiqc.orm.algorithm import ROLES

    library = one_of(Library, architecture.library, "library")
    analysis = one_of(AnalysisType, architecture.analysis_type, "analysis_type")
    given = {role: getattr(architecture, role) for role in ROLES}
    functions = {role: function for role, function in given.items() if function is not None}
    own = {f"metrics.{key}": function for key, function in (architecture.metrics or {}).items()}
    code = {field: bundle_function(fn, field).likeness for field, fn in (functions | own).items()}
    return _text(library, analysis, code)


def _code_stored(algorithm: Algorithm) -> str:
    code = {field: bundle.likeness for field, bundle in algorithm.bundles().items()}
    return _text(algorithm.library, algorithm.analysis_type, code)


def _text(library: Library, analysis: AnalysisType, code: dict[str, str]) -> str:
    return to_json([str(library), str(analysis), {field: code[field] for field in sorted(code)}])


def _same_search(row: Hyperparamset | None, key: Key) -> bool:
    """Return whether the same combinations are tried in the same order."""
    if row is None or key.space == "null":
        return row is None and key.space == "null"
    found = (row.search_count, row.search_percent)
    if to_json(row.hyperparameters) != key.space or found != key.search:
        return False
    return bool(row.seed == (_search_seed(row) if key.seed is None else key.seed))


def _search_seed(row: Hyperparamset) -> int:
    """Return the seed that `Hyperparamset.from_algorithm` derives from the content."""
    facts = [row.algorithm.sha256_hexdigest, row.hyperparameters]
    text = to_json([*facts, row.search_count, row.search_percent])
    return from_digest(hashlib.sha256(text.encode()).hexdigest())


def _queue_seed(row: Queue, key: Key) -> int:
    """Return the seed that `Queue.from_algorithm` derives from the content, or the given one."""
    if key.seed is not None:
        return key.seed
    hyperparamset = row.hyperparamset
    space = None if hyperparamset is None else hyperparamset.hyperparameters
    text = to_json([row.algorithm.sha256_hexdigest, row.splitset.sha256_hexdigest, space])
    return from_digest(hashlib.sha256(text.encode()).hexdigest())
