"""Importing does nothing: no file, connection, thread or heavy library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    *("torch", "tensorflow", "keras", "sklearn", "scipy", "plotly", "PIL", "dash"),
    *("skops", "dill", "torchmetrics", "safetensors", "fsspec", "tqdm", "IPython", "matplotlib"),
}

PROBE = """
import json, sys, threading
{statement}
print(json.dumps({{
    "modules": sorted({{name.partition('.')[0] for name in sys.modules}}),
    "threads": threading.active_count(),
}}))
"""


def probe(statement: str, home: Path) -> dict[str, object]:
    env = {**os.environ, "HOME": str(home), "AIQC_HOME": str(home / "aiqc")}
    ran = subprocess.run(
        [sys.executable, "-c", PROBE.format(statement=statement)],
        capture_output=True,
        text=True,
        check=True,
        env=env,
        cwd=home,
    )
    found: dict[str, object] = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "import aiqc",
        "from aiqc.orm import *",
        "from aiqc.mlops import *",
        "import aiqc.utils.meter, aiqc.utils.config, aiqc.utils.dill, aiqc.utils.sklearn",
        "import aiqc.utils.pytorch, aiqc.utils.tensorflow",
    ],
)
def test_importing_loads_no_heavy_library_and_writes_nothing(
    statement: str, tmp_path: Path
) -> None:
    found = probe(statement, tmp_path)
    assert HEAVY & set(found["modules"]) == set()  # type: ignore[call-overload]
    assert found["threads"] == 1
    assert list(tmp_path.iterdir()) == []


def test_the_package_alone_loads_no_pandas(tmp_path: Path) -> None:
    found = probe("import aiqc", tmp_path)
    assert not {"pandas", "numpy", "peewee"} & set(found["modules"])  # type: ignore[call-overload]


def test_star_import_gives_exactly_the_documented_names(tmp_path: Path) -> None:
    names = (
        "before = set(globals()); from aiqc.orm import *; import aiqc.orm;"
        "assert set(globals()) - before - {'before', 'aiqc'} == set(aiqc.orm.__all__)"
    )
    probe(names, tmp_path)


def test_every_table_is_exported() -> None:
    import aiqc.orm
    from aiqc.orm._registry import registry

    internal = {"Schema", "Blob", "BlobChunk"}
    tables = {model.__name__ for model in registry()}
    exported = {name for name in aiqc.orm.__all__ if name[0].isupper()}
    assert tables - internal == exported


def test_public_names_of_the_package_resolve() -> None:
    import aiqc

    assert [name for name in aiqc.__all__ if not hasattr(aiqc, name)] == []
