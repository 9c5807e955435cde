"""Writing a Splitset with its Features and Folds, at once or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiqc.core.enums import Split
from aiqc.orm._versions import exclusive, existing_version, next_version
from aiqc.orm.fold import Fold
from aiqc.orm.splitset import Splitset
from aiqc.orm.splitset_feature import SplitsetFeature

if TYPE_CHECKING:
    from aiqc.orm._split_plan import PlannedSplit, SplitRequest
    from aiqc.orm.feature import Feature
    from aiqc.orm.label import Label


def write_splitset(
    planned: PlannedSplit,
    features: list[Feature],
    label: Label | None,
    request: SplitRequest,
    *,
    digest: str,
    seed: int,
    name: str | None,
    description: str | None,
) -> tuple[Splitset, bool]:
    """Return the row and whether it is new: another process may have written it first."""
    with exclusive():
        twin = existing_version(Splitset, name, sha256_hexdigest=digest)
        if twin is not None:
            return twin, False
        row = Splitset.create(
            uid=f"splitset_{digest[:32]}",
            # the attribute holds lists, also before the row is read again
            samples={name: rows.tolist() for name, rows in planned.samples.items()},
            sizes=planned.sizes,
            supervision="unsupervised" if label is None else "supervised",
            has_validation=Split.VALIDATION in planned.samples,
            fold_count=len(planned.folds) or None,
            bin_count=request.bin_count,
            unsupervised_stratifyCol=request.stratify_column,
            key_train=planned.key_train,
            key_evaluation=planned.key_evaluation,
            key_test=planned.key_test,
            version=next_version(Splitset, name),
            seed=seed,
            options=request.to_json(),
            sha256_hexdigest=digest,
            label=label,
            predictor=None,
            name=name,
            description=description,
        )
        for idx, feature in enumerate(features):
            SplitsetFeature.create(splitset=row, feature=feature, idx=idx)
        for idx, fold_samples in enumerate(planned.folds):
            Fold.create(splitset=row, idx=idx, samples=fold_samples)
    return row, True
