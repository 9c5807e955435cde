"""Drift and out-of-range flags of one inference: to stored values, and back to frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from aiqc.pipeline.drift import COLUMNS, drift_row
from aiqc.pipeline.flags import pack_flags, unpack_flags

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aiqc.pipeline.drift import Tally
    from aiqc.pipeline.profile import ColumnProfile


def feature_report(
    feature_id: int, profiles: Sequence[ColumnProfile], tallies: Sequence[Tally]
) -> dict[str, Any]:
    """Return what is kept of one Feature's comparison with its training rows.

    Parameters
    ----------
    feature_id
        Of the Feature that was trained on.
    profiles, tallies
        One a column.
    """
    pairs = list(zip(profiles, tallies, strict=True))
    return {
        "feature_id": feature_id,
        "rows": len(tallies[0].flags) if tallies else 0,
        "drift": [drift_row(profile, tally) for profile, tally in pairs],
        "flags": {profile.column: pack_flags(tally.flags) for profile, tally in pairs},
    }


def drift_frame(reports: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return one row a Feature and column."""
    import pandas as pd

    rows = [
        {"feature_id": report["feature_id"], **row}
        for report in reports
        for row in report["drift"]
    ]
    frame = pd.DataFrame(rows, columns=["feature_id", *COLUMNS])
    return frame.astype({"verdict": object, "note": object})


def flags_frame(reports: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Return whether a row of the new data is out of the training range, by column.

    Columns are names; with several Features (feature id, name). A Feature with fewer rows than
    another has no flag in the rest.
    """
    import pandas as pd

    count = max((report["rows"] for report in reports), default=0)
    columns: dict[Any, Any] = {}
    for report in reports:
        for name, text in report["flags"].items():
            flags = np.zeros(count, dtype=np.bool_)
            flags[: report["rows"]] = unpack_flags(text, report["rows"])
            columns[report["feature_id"], name] = flags
    frame = pd.DataFrame(columns, index=pd.RangeIndex(count))
    if len(reports) == 1:
        frame.columns = pd.Index([name for _, name in columns])
    return frame
