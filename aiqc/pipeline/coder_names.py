"""Names of encoded columns, and which of them come from which original column."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

#: stands for the i-th column while scikit-learn builds names; occurs in no real name
_TOKEN = re.compile("\x00([0-9]+)\x01")


@dataclass(frozen=True, slots=True)
class Outputs:
    """The encoded columns of one estimator."""

    names: list[str]
    #: original column -> positions of the encoded columns that depend on it
    groups: dict[str, list[int]]


def name_outputs(estimator: Any, columns: Sequence[str], width: int) -> Outputs:
    """Name the outputs of a fitted estimator.

    One-hot outputs are `<column>_<category>`, words `<column>_<word>`, outputs that match the
    columns one to one keep their names, all else as scikit-learn names it. An output belongs
    to each column that its name is made of (`a b` of PolynomialFeatures to both); where names
    do not tell, every output belongs to every column. The outputs of imputers and of
    Normalizer belong to the column they replace.

    Parameters
    ----------
    estimator
        Fitted to `columns`.
    columns
        Original columns, in the order of fitting.
    width
        Number of encoded columns.
    """
    templates = _templates(estimator, len(columns), width)
    names = [_TOKEN.sub(lambda match: columns[int(match[1])], text) for text in templates]
    used = [{int(i) for i in _TOKEN.findall(text)} for text in templates]
    if len(columns) == 1 or not any(used):
        return Outputs(names, {column: list(range(width)) for column in columns})
    groups = {
        column: [output for output, sources in enumerate(used) if position in sources]
        for position, column in enumerate(columns)
    }
    return Outputs(names, groups)


def kept_columns(estimator: Any, count: int) -> dict[int, int]:
    """Return {position of a column: position of the output that holds it}, as names tell.

    What an imputer dropped, because nothing of it was known, is missing.

    Parameters
    ----------
    estimator
        Fitted to `count` columns.
    count
        Number of original columns.
    """
    tokens = [f"\x00{i}\x01" for i in range(count)]
    built = _sklearn_names(estimator, tokens) or tokens
    return {i: built.index(token) for i, token in enumerate(tokens) if token in built}


def _templates(estimator: Any, count: int, width: int) -> list[str]:
    """Return a name an output in which tokens stand for the columns."""
    tokens = [f"\x00{i}\x01" for i in range(count)]
    if count == 1 and hasattr(estimator, "vocabulary_"):
        return [f"{tokens[0]}_{word}" for word in estimator.get_feature_names_out()]
    classes = getattr(estimator, "classes_", None)
    if count == 1 and classes is not None and width == len(classes) > 1:
        return [f"{tokens[0]}_{value}" for value in classes]
    built = _sklearn_names(estimator, tokens)
    if built is not None and len(built) == width:
        return built
    if built is None and classes is not None and width == len(classes) > 1:
        # MultiLabelBinarizer: the values of all columns together
        return [f"{type(estimator).__name__.lower()}_{value}" for value in classes]
    if width == count:
        return tokens
    prefix = tokens[0] if count == 1 else type(estimator).__name__.lower()
    return [f"{prefix}_{i}" for i in range(width)]


def _sklearn_names(estimator: Any, tokens: list[str]) -> list[str] | None:
    if not hasattr(estimator, "get_feature_names_out"):
        return None
    try:
        return [str(name) for name in estimator.get_feature_names_out(tokens)]
    except (ValueError, TypeError, AttributeError):
        # it was fitted in 1-D, or does not say how many outputs it has
        return None
