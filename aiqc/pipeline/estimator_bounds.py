"""Bounds of loaded estimators: indices that C code follows unchecked are checked here once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.errors import CorruptBlob

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def check_bounds(estimator: Any) -> None:
    """Refuse an estimator in which an index points outside the array it indexes.

    scikit-learn's compiled code follows the node indices of trees, the index arrays of
    neighbour trees, the support vectors of libsvm and the columns of vocabularies without
    looking, so a forged file could crash the process or read its memory.

    Parameters
    ----------
    estimator
        A loaded estimator, or a list of them; it is walked, not run.

    Raises
    ------
    CorruptBlob
        Names the type and what is out of bounds.
    """
    for part, owner in _parts(estimator):
        for kind in type(part).__mro__:
            check = _CHECKS.get(kind.__name__)
            if check is not None:
                _run(check, part, owner)


def _run(check: Callable[[Any, Any], bool], part: Any, owner: Any) -> None:
    try:
        fine = bool(check(part, owner))
    except (AttributeError, TypeError, ValueError, IndexError, KeyError):
        fine = False
    if not fine:
        msg = f"A stored {type(part).__name__} holds an index or a size that is out of bounds."
        raise CorruptBlob(msg, hint="Do not load it; train or fit it again.")


def _parts(root: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every object inside an estimator with the nearest estimator that holds it."""
    seen: set[int] = set()
    stack: list[tuple[Any, Any]] = [(root, None)]
    while stack:
        part, owner = stack.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield part, owner
        holder = part if hasattr(part, "n_features_in_") else owner
        stack.extend((child, holder) for child in _children(part))


def _children(part: Any) -> list[Any]:
    if isinstance(part, dict):
        return list(part.values())
    if isinstance(part, list | tuple):
        return list(part)
    if isinstance(part, np.ndarray):
        return list(part.flat) if part.dtype == object else []
    if type(part).__module__.startswith("sklearn."):
        return list(getattr(part, "__dict__", {}).values())
    return []


def _forward(parents: Any, children: Any, count: int) -> bool:
    """Whether children come after their parents and exist: in range and without cycles."""
    return bool(np.all(children > parents) and np.all(children < count))


def _tree(tree: Any, owner: Any) -> bool:
    nodes = tree.__getstate__()["nodes"]
    count = len(nodes)
    leaf = nodes["left_child"] == -1
    inner = np.flatnonzero(~leaf)
    features = nodes["feature"][inner]
    return (
        0 < count == tree.node_count == len(tree.value)
        and np.array_equal(leaf, nodes["right_child"] == -1)
        and _forward(inner, nodes["left_child"][inner], count)
        and _forward(inner, nodes["right_child"][inner], count)
        and bool(np.all((features >= 0) & (features < tree.n_features)))
        and owner.n_features_in_ == tree.n_features
    )


def _boosted_tree(predictor: Any, owner: Any) -> bool:
    nodes = predictor.nodes
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    features = nodes["feature_idx"][inner]
    categorical = inner[nodes["is_categorical"][inner] != 0]
    bitsets = predictor.raw_left_cat_bitsets
    binned = predictor.binned_left_cat_bitsets
    known = owner._bin_mapper.is_categorical_
    return (
        len(nodes) > 0
        and bitsets.shape == binned.shape == (len(bitsets), 8)
        and _forward(inner, nodes["left"][inner].astype(np.int64), len(nodes))
        and _forward(inner, nodes["right"][inner].astype(np.int64), len(nodes))
        and bool(np.all((features >= 0) & (features < owner.n_features_in_)))
        and len(known) == owner.n_features_in_
        and bool(np.all(known[nodes["feature_idx"][categorical]]))
        and bool(np.all(nodes["bitset_idx"][categorical] < len(bitsets)))
    )


def _gradient_boosting(model: Any, owner: Any) -> bool:
    del owner
    trees = [tree.tree_ for tree in model.estimators_.ravel()]
    start = getattr(model, "init_", None)
    classes = getattr(start, "classes_", None)
    wide = getattr(model, "n_classes_", 1)
    return (
        model.estimators_.shape[1] == model.n_trees_per_iteration_ == (wide if wide > 2 else 1)  # noqa: PLR2004  two classes share one tree
        and all(tree.n_features == model.n_features_in_ for tree in trees)
        and (
            classes is None or len(classes) == wide == len(getattr(start, "class_prior_", classes))
        )
    )


def _neighbour_tree(tree: Any, owner: Any) -> bool:
    data, index, nodes, bounds = (np.asarray(array) for array in tree.__getstate__()[:4])
    levels, count = tree.__getstate__()[5:7]
    rows, columns = data.shape
    inner = np.flatnonzero(nodes["is_leaf"] == 0)
    return (
        count == len(nodes) == 2**levels - 1
        and len(index) == rows
        and bool(np.all((index >= 0) & (index < rows)))
        and bounds.shape[1:] == (count, columns)
        and len(bounds) == (2 if type(tree).__name__.startswith("KD") else 1)
        and bool(np.all(2 * inner + 2 < count))
        and bool(np.all(nodes["idx_start"] >= 0))
        and bool(np.all(nodes["idx_start"] <= nodes["idx_end"]))
        and bool(np.all(nodes["idx_end"] <= rows))
        and owner.n_features_in_ == columns
    )


def _neighbours(model: Any, owner: Any) -> bool:
    del owner
    known = model._fit_X
    labels = getattr(model, "_y", None)
    if known.shape[1] != model.n_features_in_ or (
        labels is not None and len(labels) != len(known)
    ):
        return False
    classes = getattr(model, "classes_", None)
    if classes is None or labels is None:
        return True
    columns = classes if isinstance(classes, list) else [classes]
    codes = labels.reshape(len(labels), len(columns))
    return all(
        bool(np.all((codes[:, i] >= 0) & (codes[:, i] < len(columns[i]))))
        for i in range(len(columns))
    )


def _libsvm(model: Any, owner: Any) -> bool:
    del owner
    if not hasattr(model, "support_vectors_"):
        return True
    classes = max(len(getattr(model, "classes_", ())), 2)
    pairs = classes * (classes - 1) // 2
    rows = model.support_vectors_.shape[0]
    # a regressor leaves the second count undefined
    counts = model._n_support if hasattr(model, "classes_") else model._n_support[:1]
    return (
        model.support_vectors_.shape[1] == model.n_features_in_
        and int(counts.sum()) == rows == model.dual_coef_.shape[1] == len(model.support_)
        and bool(np.all(counts >= 0))
        and len(model._n_support) == classes
        and model.dual_coef_.shape[0] == classes - 1
        and len(model._intercept_) == pairs
        and len(model._probA) in {0, pairs}
        and len(model._probB) in {0, pairs}
    )


def _weighted(metric: Any, owner: Any) -> bool:
    weights = metric.__getstate__()[1]
    return len(weights) in {0, 1, owner.n_features_in_}


def _vocabulary(model: Any, owner: Any) -> bool:
    del owner
    words = getattr(model, "vocabulary_", {})
    return sorted(words.values()) == list(range(len(words)))


def _one_hot(model: Any, owner: Any) -> bool:
    del owner
    if not hasattr(model, "categories_"):
        return True
    return list(model._n_features_outs) == list(model._compute_n_features_outs())


def _sparse(matrix: Any, owner: Any) -> bool:
    del owner
    matrix.check_format(full_check=True)
    return True


def _spline(spline: Any, owner: Any) -> bool:
    del owner
    return type(spline)(spline.t, spline.c, spline.k) is not None


#: class name, own or inherited -> whether its indices stay inside its arrays
_CHECKS: dict[str, Callable[[Any, Any], bool]] = {
    "Tree": _tree,
    "TreePredictor": _boosted_tree,
    "BaseGradientBoosting": _gradient_boosting,
    "BinaryTree64": _neighbour_tree,
    "KDTree": _neighbour_tree,
    "BallTree": _neighbour_tree,
    "NeighborsBase": _neighbours,
    "BaseLibSVM": _libsvm,
    "MinkowskiDistance64": _weighted,
    "CountVectorizer": _vocabulary,
    "OneHotEncoder": _one_hot,
    "BSpline": _spline,
    "csr_matrix": _sparse,
    "csc_matrix": _sparse,
    "csr_array": _sparse,
    "csc_array": _sparse,
}
