"""Training profiles of a fold's Features: made once from the training rows, kept with the fits."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.core.codecs import from_json, from_npy, to_json
from aiqc.core.enums import DatasetType
from aiqc.core.errors import AIQCError
from aiqc.orm._blobs import put_blob, read_blob
from aiqc.orm.fit import Fit, fit_of_feature
from aiqc.pipeline.profile import ColumnProfile, profile_arrays, profile_frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from aiqc.core.types import Array
    from aiqc.orm.feature import Feature
    from aiqc.orm.fold import Fold
    from aiqc.orm.predictor import Predictor
    from aiqc.orm.splitset import Splitset

#: bytes of an array that are read at a time
CHUNK_BYTES = 16_000_000
#: columns of `training_profile`
_SHOWN = ("kind", "count", "nan_rate", "minimum", "deciles", "maximum", "categories")
_TIME_KINDS = ("datetime", "timedelta")


def ensure_profiles(splitset: Splitset, fold: Fold | None) -> None:
    """Make the profiles of a fold that lack, while the training data are at hand.

    Training goes on without them: where the data cannot be read, inference tries again.
    """
    with suppress(AIQCError, OSError):
        for feature in splitset.features:
            profiles_of(splitset, fold, feature)


def profiles_of(splitset: Splitset, fold: Fold | None, feature: Feature) -> list[ColumnProfile]:
    """Return the profile of each column (of an image: each channel) of a Feature.

    Raises
    ------
    DataChanged
        If it has to be made first, and the source is no longer what was registered.
    """
    fit = _fit_row(splitset, fold, feature)
    if fit.profile_content is not None:
        stored = from_json(read_blob(fit.profile_content).decode())
        return [ColumnProfile(**facts) for facts in stored]
    found = _make(feature, from_npy(read_blob(fit.samples_content)))
    text = to_json([one.to_dict() for one in found])
    fit.profile_content = put_blob(text.encode(), "json")
    fit.save()
    return found


def training_profile(predictor: Predictor) -> dict[int, pd.DataFrame]:
    """Tabulate what a model was trained on; see `Predictor.training_profile`."""
    job = predictor.job
    splitset = job.queue.splitset
    return {
        feature.id: _frame(profiles_of(splitset, job.fold, feature))
        for feature in splitset.features
    }


def lane_names(feature: Feature) -> list[str]:
    """Return what the profiles of a Feature are called: columns, or channels of images."""
    if not is_image(feature):
        return list(feature.columns)
    return [f"channel_{channel}" for channel in range(feature.dataset.shape["channels"])]


def is_image(feature: Feature) -> bool:
    """Return whether a Feature is profiled by channel."""
    return bool(feature.dataset.typ == DatasetType.IMAGE)


def array_chunks(
    feature: Feature, rows: Array, columns: Sequence[str] | None = None
) -> Iterator[Array]:
    """Yield samples of a sequence or image Feature, a few megabytes at a time.

    Parameters
    ----------
    feature
        Of an N-D Dataset.
    rows
        Samples, in the order wanted.
    columns
        Names, in the order wanted; the Feature's own by default.
    """
    places = None if columns is None else [feature.columns.index(name) for name in columns]
    with feature.open_array() as source:
        sample_bytes = max(1, int(np.prod(source.shape[1:])) * source.dtype.itemsize)
        step = max(1, CHUNK_BYTES // sample_bytes)
        for start in range(0, len(rows), step):
            yield source.read(rows[start : start + step], places)


def _make(feature: Feature, rows: Array) -> list[ColumnProfile]:
    if feature.dataset.typ == DatasetType.TABULAR:
        return profile_frame(feature.to_df(samples=rows))
    chunks = array_chunks(feature, rows)
    names = lane_names(feature)
    return profile_arrays(chunks, names, len(rows), by_channel=is_image(feature))


def _fit_row(splitset: Splitset, fold: Fold | None, feature: Feature) -> Fit:
    same_fold = Fit.fold.is_null() if fold is None else Fit.fold == fold
    query = Fit.select().where(Fit.splitset == splitset, same_fold, Fit.feature == feature)
    found: Fit | None = query.first()
    if found is None:
        fit_of_feature(splitset, fold, feature)
        found = query.clone().first()
    assert found is not None
    return found


def _frame(profiles: Sequence[ColumnProfile]) -> pd.DataFrame:
    import pandas as pd

    index = pd.Index([one.column for one in profiles], name="column")
    rows = [_shown(one) for one in profiles]
    return pd.DataFrame(
        {key: pd.Series([row[key] for row in rows], index=index, dtype=object) for key in _SHOWN}
    ).astype({"count": "int64", "nan_rate": "float64"})


def _shown(profile: ColumnProfile) -> dict[str, Any]:
    import pandas as pd

    facts = profile.to_dict()
    if profile.kind in _TIME_KINDS and profile.minimum is not None:
        as_time: Any = pd.Timestamp if profile.kind == "datetime" else pd.Timedelta
        facts["minimum"], facts["maximum"] = as_time(profile.minimum), as_time(profile.maximum)
        facts["deciles"] = [as_time(value) for value in profile.deciles]
    return facts
