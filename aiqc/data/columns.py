"""One pandas column as one Arrow column plus the facts that restore its exact dtype."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np
import pandas as pd
from pandas.api.types import is_object_dtype, pandas_dtype

from aiqc.core.errors import InvalidData
from aiqc.data.objects import missing_kind, object_kind, put_missing

if TYPE_CHECKING:
    from collections.abc import Callable

    from pandas._typing import DtypeObj

    from aiqc.core.types import Array

#: a dtype as JSON: what Arrow and Parquet would lose of it
Facts: TypeAlias = dict[str, Any]
_SECONDS = np.dtype("datetime64[s]")
#: furthest time that 64 bits of milliseconds reach
_MAX_SECONDS = (2**63 - 1) // 1000


def pack_dtype(values: pd.Series | pd.Index, name: str) -> Facts:
    """Return the facts from which `unpack` restores a column's dtype.

    Parameters
    ----------
    values
        A column whose dtype can be stored (`check_storable`).
    name
        The column's name, for messages.
    """
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _pack_categories(dtype, name)
    if isinstance(dtype, pd.StringDtype):
        return {"dtype": str(dtype), "storage": dtype.storage, "na": str(dtype.na_value)}
    if isinstance(dtype, pd.ArrowDtype):
        empty = _arrow_array(values[:0].array)
        return {"dtype": str(dtype), "arrow": _to_ipc(empty)}
    if is_object_dtype(dtype):
        missing = np.asarray(values.isna())
        kind = missing_kind(np.asarray(values, dtype=object), missing)
        return {"dtype": "object", "of": object_kind(values, name), "missing": kind}
    return {"dtype": str(dtype)}


def unpack_dtype(facts: Facts) -> DtypeObj:
    """Return the dtype that `pack_dtype` described."""
    if "storage" in facts:
        if facts["na"] == "nan":
            return pd.StringDtype(facts["storage"], na_value=np.nan)
        return pd.StringDtype(facts["storage"])
    if "arrow" in facts:
        return pd.ArrowDtype(_from_ipc(facts["arrow"]).type)
    if "ordered" in facts:
        inner = facts["of"]
        values = unpack(_from_ipc(facts["categories"]), inner)
        index = pd.Index(values, dtype=cast("Any", unpack_dtype(inner)))
        return pd.CategoricalDtype(index, ordered=facts["ordered"])
    return _named_dtype(facts["dtype"])


@lru_cache
def _named_dtype(name: str) -> DtypeObj:
    """Remember dtypes by name, which pandas looks up slowly; a wide frame has thousands."""
    return pandas_dtype(name)


def to_arrow(values: pd.Series, facts: Facts, name: str) -> Any:
    """Return some or all rows of a column as one Arrow array.

    Numbers are not copied. NaN stays a number in float columns and is null elsewhere.

    Raises
    ------
    InvalidData
        If a text cannot be written as UTF-8; names column, row and text.
    """
    try:
        return _WRITERS[_form(facts)](values, facts)
    except UnicodeEncodeError as error:
        text = error.object
        row = next(i for i, item in enumerate(values) if isinstance(item, str) and item == text)
        msg = f"The text {text!r} in column {name!r}, row {row}, is not valid Unicode."
        hint = "Replace the lone surrogates, e.g. text.encode('utf-8', 'replace').decode()."
        raise InvalidData(msg, hint=hint, column=name, row=row) from error


def unpack(values: Any, facts: Facts, codes: Array | None = None) -> Any:
    """Return the pandas or numpy array of an Arrow column, with its dtype restored.

    Parameters
    ----------
    values
        An Arrow chunked array.
    facts
        What `pack_dtype` wrote.
    codes
        Which missing value stands where, for an object column that mixes them.
    """
    if _form(facts) == "object":
        return _read_objects(values, facts, codes)
    return _READERS[_form(facts)](values, facts)


def _form(facts: Facts) -> str:
    """Which writer and reader a column takes."""
    if "ordered" in facts:
        return "category"
    if "storage" in facts or "arrow" in facts:
        return "extension"
    if "of" in facts:
        return "object"
    dtype = _named_dtype(facts["dtype"])
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "zoned"
    if isinstance(dtype, np.dtype):
        return "time" if dtype.kind in "mM" else "number"
    return "extension"


def _write_number(values: pd.Series, _: Facts) -> Any:
    import pyarrow as pa

    array = np.ascontiguousarray(values.to_numpy())
    return pa.array(array.astype(array.dtype.newbyteorder("="), copy=False))


def _write_time(values: pd.Series, _: Facts) -> Any:
    import pyarrow as pa

    array = np.ascontiguousarray(values.to_numpy())
    _check_seconds(array, str(values.name))
    return pa.array(array)


def _write_zoned(values: pd.Series, _: Facts) -> Any:
    import pyarrow as pa

    naive = np.ascontiguousarray(values.dt.tz_convert(None).to_numpy())
    _check_seconds(naive, str(values.name))
    return pa.array(naive, pa.timestamp(np.datetime_data(naive.dtype)[0], "UTC"))


def _write_extension(values: pd.Series, facts: Facts) -> Any:
    import pyarrow as pa

    array = _arrow_array(values.array)
    return array.cast(pa.large_string()) if "storage" in facts else array


def _write_objects(values: pd.Series, facts: Facts) -> Any:
    import pyarrow as pa

    kinds = {"text": pa.large_string(), "bool": pa.bool_(), "date": pa.date32()}
    return pa.array(values.to_numpy(), kinds[facts["of"]], from_pandas=True)


def _write_category(values: pd.Series, facts: Facts) -> Any:
    import pyarrow as pa

    codes = values.cat.codes.to_numpy()
    categories = pd.Series(values.cat.categories, copy=False)
    inner = to_arrow(categories, facts["of"], str(values.name))
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), inner)


def _read_number(values: Any, facts: Facts) -> Array:
    return _own(values.to_numpy().astype(np.dtype(facts["dtype"]), copy=False))


def _read_time(values: Any, facts: Facts) -> Array:
    import pyarrow as pa

    dtype: np.dtype[Any] = np.dtype(facts["dtype"])
    unit = np.datetime_data(dtype)[0]
    kind = pa.timestamp(unit) if dtype.kind == "M" else pa.duration(unit)
    return _own(values.cast(kind).to_numpy().astype(dtype, copy=False))


def _read_zoned(values: Any, facts: Facts) -> Any:
    import pyarrow as pa

    dtype = cast(pd.DatetimeTZDtype, _named_dtype(facts["dtype"]))
    naive = _own(values.cast(pa.timestamp(dtype.unit)).to_numpy())
    return pd.DatetimeIndex(naive).tz_localize("UTC").tz_convert(dtype.tz).array


def _read_extension(values: Any, facts: Facts) -> Any:
    return cast("Any", unpack_dtype(facts)).__from_arrow__(values)


def _read_objects(values: Any, facts: Facts, codes: Array | None) -> pd.Series:
    if facts["of"] == "date":
        array = np.array(values.to_pylist(), dtype=object)
    else:
        array = np.array(values.to_numpy(), dtype=object)
    missing = values.is_null().to_numpy().astype(bool)
    if facts["missing"] not in ("", "None"):
        put_missing(array, missing, facts["missing"], codes)
    # a Series, because a frame would make text of a bare array of objects
    return pd.Series(array, dtype=object)


def _read_category(values: Any, facts: Facts) -> pd.Categorical:
    import pyarrow as pa

    dtype = cast(pd.CategoricalDtype, unpack_dtype(facts))
    if not len(values):
        return pd.Categorical.from_codes([], dtype=dtype)
    # Parquet keeps the dictionary of text only, and not its order
    coded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    whole = coded.unify_dictionaries().combine_chunks()
    inner = unpack(pa.chunked_array([whole.dictionary]), facts["of"])
    index = pd.Index(inner, dtype=cast("Any", dtype.categories.dtype))
    positions = dtype.categories.get_indexer(index)
    codes = np.append(positions, -1)[whole.indices.fill_null(len(positions)).to_numpy()]
    return pd.Categorical.from_codes(codes, dtype=dtype)


_WRITERS: dict[str, Callable[[pd.Series, Facts], Any]] = {
    "number": _write_number,
    "time": _write_time,
    "zoned": _write_zoned,
    "extension": _write_extension,
    "object": _write_objects,
    "category": _write_category,
}
_READERS: dict[str, Callable[[Any, Facts], Any]] = {
    "number": _read_number,
    "time": _read_time,
    "zoned": _read_zoned,
    "extension": _read_extension,
    "category": _read_category,
}


def _check_seconds(array: Array, name: str) -> None:
    """Refuse times that Parquet, which has no seconds, cannot hold as milliseconds."""
    if array.dtype != _SECONDS or not len(array):
        return
    seconds = array.view(np.int64)
    wrong = (np.abs(seconds) > _MAX_SECONDS) & ~np.isnat(array)
    if wrong.any():
        value = array[wrong][0]
        msg = f"The time {value} in column {name!r} of datetime64[s] is too far to be stored."
        hint = f"Store seconds as integers, or correct it: retype={{{name!r}: 'int64'}}."
        raise InvalidData(msg, hint=hint, column=name, value=str(value))


def _pack_categories(dtype: pd.CategoricalDtype, name: str) -> Facts:
    facts = pack_dtype(dtype.categories, name)
    array = to_arrow(pd.Series(dtype.categories, copy=False), facts, name)
    return {
        "dtype": "category",
        "ordered": bool(dtype.ordered),
        "of": facts,
        "categories": _to_ipc(array),
    }


def _arrow_array(values: Any) -> Any:
    """Return an extension array as one Arrow array."""
    import pyarrow as pa

    array = pa.array(values)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _to_ipc(array: Any) -> str:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    batch = pa.record_batch([array], names=["values"])
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return base64.b64encode(sink.getvalue()).decode()


def _from_ipc(text: str) -> Any:
    import pyarrow as pa

    return pa.ipc.open_stream(base64.b64decode(text)).read_all().column(0)


def _own(array: Array) -> Array:
    """Return an array that its holder may write to; what Arrow lends is read-only."""
    return array if array.flags.writeable else array.copy()
