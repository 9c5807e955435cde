"""Pipeline: declarations become a Splitset, or find the one that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiqc.core.errors import Conflict, InvalidInput
from aiqc.mlops._listed import check_kind, listed
from aiqc.mlops._rows import make_feature, make_label, take_back, taken_back_on_error
from aiqc.mlops._same_splitset import declared_before, equal_splitset, key_of
from aiqc.mlops.input import Input
from aiqc.mlops.stratifier import Stratifier
from aiqc.mlops.target import Target
from aiqc.orm import Splitset
from aiqc.orm._base import check_info
from aiqc.orm._versions import exclusive

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiqc.mlops._same_splitset import Key


def Pipeline(
    inputs: Input | Sequence[Input],
    target: Target | None = None,
    stratifier: Stratifier | None = None,
    name: str | None = None,
    description: str | None = None,
    *,
    seed: int | None = None,
    force: bool = False,
) -> Splitset:
    """Make the Features, the Label and the Splitset of a study; returns the Splitset.

    If a Splitset of the same name and content exists, it is returned and nothing is written:
    equal data (by digest, not by id), columns, steps, arguments and seed. The Target's columns
    are never among those of an Input, also where the same data were registered twice. What fails
    half-way leaves no rows.

    Parameters
    ----------
    inputs
        What the model learns from: one Input, or several of equal length.
    target
        What it predicts; without it the Splitset is unsupervised.
    stratifier
        Which samples train, evaluate and test; all of them train by default.
    name
        Names the Splitset, with versions: other content becomes the next one.
    description
        What is unique about it; kept when the row is made.
    seed
        Root of the draws; derived from the content by default.
    force
        Whether new rows are made although equal ones exist.

    Raises
    ------
    InvalidInput, InvalidColumns, InvalidCoder, InvalidSplit, InvalidData
        If a declaration cannot be used; names the argument.
    Conflict
        If `force` is given with a name that has this very content: versions differ.

    Examples
    --------
    ::

        pipeline = Pipeline(
            Input(dataset, encoders=Input.Encoder(StandardScaler())),
            Target(dataset, column="species", encoder=Target.Encoder(OrdinalEncoder())),
            Stratifier(size_test=0.2, size_validation=0.1),
        )
    """
    parts = listed(inputs, Input, "inputs")
    if not parts:
        msg = f"inputs={inputs!r} holds no Input."
        raise InvalidInput(msg, hint="Give at least one Input(...).", value=inputs)
    stratifier = Stratifier() if stratifier is None else stratifier
    check_kind(stratifier, Stratifier, "stratifier")
    if target is not None:
        check_kind(target, Target, "target")
    check_info(name, description)
    key = key_of(stratifier, seed, name)
    found = declared_before(parts, target, key)
    if found is not None:
        _refuse_twin(found, key, force=force)
        if not force:
            return found
    with taken_back_on_error() as made:
        features = [make_feature(part, target, made) for part in parts]
        label = None if target is None else make_label(target, made)
        with exclusive():
            # the same in other words, or what another process has made since
            found = equal_splitset(features, label, key)
            _refuse_twin(found, key, force=force)
            if found is None or force:
                return Splitset.make(
                    [feature.id for feature in features],
                    label,
                    name=name,
                    description=description,
                    seed=seed,
                    **stratifier.arguments(),
                )
        take_back(made)
        return found


def _refuse_twin(found: Splitset | None, key: Key, *, force: bool) -> None:
    if found is not None and force and key.name is not None:
        msg = f"force=True cannot repeat {found!r}: no two versions of a name are equal."
        hint = "Leave name= out, choose another one, or give another seed=."
        raise Conflict(msg, hint=hint, name=key.name, splitset_id=found.id)
