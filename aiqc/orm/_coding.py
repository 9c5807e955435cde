"""What LabelCoder and FeatureCoder share: stored estimators and the newest fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiqc.pipeline.coder import PreparedCoder


def stored_estimator(data: bytes, *, for_label: bool) -> PreparedCoder:
    """Return a stored, already corrected estimator with its facts."""
    from aiqc.pipeline.coder import prepare_coder
    from aiqc.pipeline.estimators import load_estimator

    return prepare_coder(load_estimator(data), for_label=for_label)


def estimator_digest(estimator: Any) -> str:
    """Return the identity of an unfitted estimator: its classes and parameters."""
    from aiqc.pipeline.estimator_bytes import content_digest
    from aiqc.pipeline.estimators import dump_estimator

    return content_digest(dump_estimator(estimator))


def newest_unfolded(fits: Any) -> Any | None:
    """Return the newest Fit that belongs to no Fold, of the fits of a Feature or Label."""
    fit = fits.model
    return fits.where(fit.fold.is_null()).order_by(fit.id.desc()).first()
