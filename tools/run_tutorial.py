"""Run tutorials in fresh kernels with a home of their own; nothing is written beside them.

    python tools/run_tutorial.py tutorials/name.ipynb           # small, as the tests do
    python tools/run_tutorial.py tutorials/name.ipynb --full    # full size, as `make docs` does
    python tools/run_tutorial.py tutorials/name.ipynb --full --output folder

With `--output` the executed notebook and each of its figures as a page are kept in the folder.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbformat import NotebookNode

#: what every kernel runs first, in tests and in the documentation
STARTUP = Path(__file__).with_name("kernel_startup.py")
TIMEOUT_SECONDS = 900


def kernel_environment(home: Path) -> dict[str, str]:
    """Make an empty home for a kernel; return the variables that point to it.

    Parameters
    ----------
    home
        A folder; everything that the kernel writes by itself stays below it.
    """
    profile = home / "ipython" / "profile_default"
    (profile / "startup").mkdir(parents=True, exist_ok=True)
    (profile / "startup" / "00-aiqc.py").write_text(STARTUP.read_text("utf-8"), encoding="utf-8")
    # a kernel says that its ports are not encrypted; they are local
    quiet = "c.IPKernelApp.log_level = 40\n"
    (profile / "ipython_kernel_config.py").write_text(quiet, encoding="utf-8")
    return {
        "AIQC_HOME": str(home / "aiqc"),
        "AIQC_CACHE": str(home / "cache"),
        "AIQC_DATABASE": str(home / "study.sqlite3"),
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "KERAS_HOME": str(home / "keras"),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONWARNINGS": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


def small(notebook: NotebookNode) -> NotebookNode:
    """Return a copy at the size of tests: small parameters, no assertion about results."""
    from copy import deepcopy

    copy = deepcopy(notebook)
    copy.cells = [cell for cell in copy.cells if "full-size" not in tags(cell)]
    for cell in copy.cells:
        if "parameters" in tags(cell):
            cell.source = cell.metadata["aiqc"]["small"]
    return copy


def tags(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a cell."""
    return list(cell["metadata"].get("tags", []))


def run(notebook: NotebookNode, home: Path) -> NotebookNode:
    """Execute a notebook in a new kernel; return it with outputs.

    Parameters
    ----------
    notebook
        As read by nbformat; it is changed.
    home
        An empty folder for the kernel's home and, below it, its working folder.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell raised; warnings are errors.
    """
    from jupyter_client import AsyncKernelManager
    from nbclient import NotebookClient

    work = home / "work"
    work.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as sockets:
        # sockets, not ports, so that kernels never meet; a socket's path must be short
        manager = AsyncKernelManager(
            kernel_name="python3", transport="ipc", connection_file=f"{sockets}/kernel.json"
        )
        client = NotebookClient(
            notebook,
            km=manager,
            timeout=TIMEOUT_SECONDS,
            resources={"metadata": {"path": str(work)}},
        )
        return client.execute(cleanup_kc=True, env={**os.environ, **kernel_environment(home)})


def keep(notebook: NotebookNode, name: str, folder: Path) -> list[Path]:
    """Write an executed notebook and its figures as pages; return the files."""
    import nbformat
    from plotly.offline import get_plotlyjs

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")
    files = [folder / f"{name}.ipynb"]
    nbformat.write(notebook, files[0])
    figures = [
        output["data"]["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "Plotly.newPlot" in output.get("data", {}).get("text/html", "")
    ]
    for number, figure in enumerate(figures, start=1):
        files.append(folder / f"{name}-{number}.html")
        head = '<meta charset="utf-8"><script src="plotly.min.js"></script>'
        files[-1].write_text(f"<!doctype html>{head}{figure}", encoding="utf-8")
    return files


def main() -> None:
    """Read the command line and run each notebook."""
    import nbformat
    from nbclient.exceptions import CellExecutionError

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--full", action="store_true", help="full size, with its assertions")
    parser.add_argument("--output", type=Path, help="folder for the result and its figures")
    given = parser.parse_args()
    failed = 0
    for path in given.notebooks:
        started = time.perf_counter()
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as home:
            try:
                done = run(notebook if given.full else small(notebook), Path(home) / "home")
            except CellExecutionError as error:
                failed += 1
                sys.stderr.write(f"{path}: {error}\n")
                continue
        sys.stdout.write(f"{path}: {time.perf_counter() - started:.1f} seconds\n")
        for file in keep(done, path.stem, given.output) if given.output else []:
            sys.stdout.write(f"  {file}\n")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
