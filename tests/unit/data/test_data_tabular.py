"""Files are read exactly as pandas reads them, or refused by line."""

from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest

from aiqc.core.errors import InvalidData, InvalidInput
from aiqc.data.tabular import clean_frame, read_table

CORPUS = {
    "plain": "a,b\n1,x\n2,y\n",
    "missing": "a,b,c\nNA,,null\nNaN,n/a,None\n1,N/A,#N/A\n<NA>,-nan,x\n",
    "leading zeros": "zip\n01234\n00001\n",
    "text zeros": "zip\n01234\nA0001\n",
    "dates": "d\n2020-01-01\n2020-02-30\n",
    "quoted newlines": 'a,b\n"x\ny",1\n"say ""hi""",2\n',
    "hex": "a\n0x10\n0xff\n",
    "beyond int64": "a\n9223372036854775808\n1\n",
    "plus": "a\n+1\n-2\n",
    "underscore": "a\n1_000\n",
    "exponent": "a\n1e3\n.5\n",
    "infinite": "a\ninf\n-Infinity\n1\n",
    "booleans": "a,b\nTrue,true\nFalse,FALSE\n",
    "booleans missing": "a,b\nTrue,1\n,2\nFalse,3\n",
    "thousands": 'a\n"1,000"\n',
    "spaces": "a, b\n1, x\n 2,y \n",
    "blank lines": "\n\na,b\n\n1,2\n\n",
    "short rows": "a,b,c\n1,2\n3\n",
    "bom": "\ufeffa,b\n1,2\n",
    "crlf": "a,b\r\n1,x\r\n",
    "no last newline": "a\n1",
    "header only": "a,b\n",
    "no name": "a,,c\n1,2,3\n",
    "number names": "1,2\n3,4\n",
    "unicode": "größe,名\n1,日本\n",
    "empty text": 'a,b\n"",1\nx,2\n',
    "long float": "a\n0.1234567890123456789\n1e-320\n",
    "comments": "a\n#1\n2\n",
    "precise": "a\n2.2250738585072014e-308\n1.7976931348623157e308\n",
}


@pytest.mark.parametrize("header", ["infer", None, 0, 1])
@pytest.mark.parametrize("name", CORPUS)
def test_csv_equals_pandas(tmp_path, name, header):
    path = tmp_path / "t.csv"
    path.write_bytes(CORPUS[name].encode())
    try:
        expected = pd.read_csv(path, header=header)
    except pd.errors.ParserError:
        with pytest.raises(InvalidData, match=r"t\.csv"):
            read_table(path, header)
        return
    if (
        not isinstance(expected.index, pd.RangeIndex)
        or expected.index.start
        or (len(expected) and expected.index.step != 1)
    ):
        with pytest.raises(InvalidData, match=r"more values than there are names"):
            read_table(path, header)
        return
    pd.testing.assert_frame_equal(read_table(str(path), header), expected, check_exact=True)


@pytest.mark.parametrize("ending", ["csv.gz", "CSV.bz2", "tsv.xz", "tsv", "csv.zst"])
def test_endings(tmp_path, ending):
    import pyarrow as pa

    separator = "\t" if "tsv" in ending else ","
    text = CORPUS["missing"].replace(",", separator)
    path = tmp_path / f"t.{ending}"
    kind = {"gz": "gzip", "bz2": "bz2", "zst": "zstd"}.get(ending.rpartition(".")[2])
    if kind:
        with pa.output_stream(path, compression=kind) as file:
            file.write(text.encode())
    else:
        import lzma

        path.write_bytes(lzma.compress(text.encode()) if "xz" in ending else text.encode())
    plain = tmp_path / "plain.txt"
    plain.write_text(text)
    expected = pd.read_csv(plain, sep=separator)
    pd.testing.assert_frame_equal(read_table(path), expected)


def test_parquet_equals_pandas(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "t": ["x", None], "c": pd.Categorical(["u", "v"])})
    frame.to_parquet(tmp_path / "t.pq")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.pq"), frame)


def test_a_late_text_does_not_make_a_mixed_column(tmp_path):
    # pandas reads in chunks: integers in the first ones, text in the last
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "007,0.5\n" * 400_000 + "x,0.5\n")
    found = read_table(path)
    pd.testing.assert_frame_equal(found, pd.read_csv(path, low_memory=False))
    assert found["a"].iloc[[0, -1]].tolist() == ["007", "x"]
    clean_frame(found)


def test_reading_does_not_change_the_warning_filters(tmp_path):
    import warnings

    (tmp_path / "t.csv").write_text("a\n1\n")
    before = list(warnings.filters)
    read_table(tmp_path / "t.csv")
    assert warnings.filters == before


REFUSED = [
    ("empty.csv", b"", "infer", r"empty\.csv' is empty.*line 1.*row of names"),
    ("blank.csv", b"\n\n", "infer", r"blank\.csv' is empty"),
    ("long.csv", b"a,b\n1,2\n1,2,3\n", "infer", r"long\.csv.*2 fields in line 3, saw 3.*Correct"),
    ("index.csv", b"a,b\n1,2,3\n4,5,6\n", "infer", r"index\.csv.*line 2.*more values.*Add the"),
    ("same.csv", b"\na,b\n\n0,2,3\n1,5,6\n", "infer", r"same\.csv.*line 4.*more values"),
    ("tail.csv", b"a,b\n1,2,\n3,4,\n", "infer", r"tail\.csv.*line 2.*remove the delimiter"),
    ("quote.csv", b'a,b\n1,"2\n3,4\n', "infer", r"quote\.csv.*EOF inside string.*row 1.*quote"),
    (
        "latin.csv",
        "a\nx\né\n".encode("latin-1"),
        "infer",
        r"latin\.csv.*line 3.*0xe9.*UTF-8",
    ),
    ("names.csv", b"a,b,a\n1,2,3\n", "infer", r"columns 0 and 2 have one name: 'a'.*own name"),
    ("zip.csv.gz", b"a,b\n1,2\n", "infer", r"zip\.csv\.gz.*whole gzip.*Compress it again"),
    (
        "cut.csv.gz",
        gzip.compress(b"a\n" * 999, mtime=0)[:-9],
        "infer",
        r"cut\.csv\.gz.*whole gzip",
    ),
    ("bz.csv.bz2", b"a,b\n1,2\n", "infer", r"bz\.csv\.bz2.*whole bz2"),
    ("xz.csv.xz", b"a,b\n1,2\n", "infer", r"xz\.csv\.xz.*whole xz"),
    ("zst.csv.zst", b"a,b\n1,2\n", "infer", r"zst\.csv\.zst.*whole zstd"),
    ("far.csv", b"a\n1\n", 9, r"far\.csv.*header=9.*2 lines"),
    ("no.parquet", b"a,b\n1,2\n", "infer", r"no\.parquet.*Parquet.*to_parquet"),
]


@pytest.mark.parametrize(("name", "data", "header", "pattern"), REFUSED)
def test_refused_files(tmp_path, name, data, header, pattern):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidData, match=f"(?s){pattern}"):
        read_table(tmp_path / name, header)


@pytest.mark.parametrize("header", ["first", True, -1, [0, 1], 0.5])
def test_refused_headers(tmp_path, header):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(InvalidInput, match=r"header=.*neither 'infer', None.*Use None"):
        read_table(tmp_path / "t.csv", header)


@pytest.mark.parametrize("header", [None, 0])
def test_parquet_has_no_header(tmp_path, header):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InvalidInput, match=rf"header={header}.*Parquet.*rename_columns"):
        read_table(tmp_path / "t.parquet", header)


def test_wide_numbers_keep_their_bits(tmp_path):
    values = np.random.default_rng(0).normal(size=(50, 3)) * 10.0 ** np.arange(-9, 9, 6)
    pd.DataFrame(values).to_csv(tmp_path / "t.csv", index=False)
    found = read_table(tmp_path / "t.csv").to_numpy()
    expected = pd.read_csv(tmp_path / "t.csv").to_numpy()
    assert found.tobytes() == expected.tobytes()
