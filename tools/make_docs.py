"""Build the documentation into docs/_build/html, tutorials executed in full; `make docs`.

The pages of docs/, the tutorials, the changelog and the reference read from docstrings are staged
in one folder, so that nothing generated stands beside what is written.

    python tools/make_docs.py                # executes changed tutorials, keeps their results
    python tools/make_docs.py --no-execute   # seconds; tutorials without results
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import make_api
import make_diagram
from run_tutorial import kernel_environment

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "docs" / "_build"
#: files outside docs/ -> where they stand in the site
MOVED = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "aiqc/datum/README.md": "reference/licences.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
#: where the list of tutorials stands in its page
TUTORIALS = re.compile(r"<!-- the tutorials stand here.*?-->")


def stage(target: Path) -> None:
    """Put everything that the site is made of into an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    skip = shutil.ignore_patterns("_build", "__pycache__", "*.ipynb", "orm-relations.svg")
    shutil.copytree(ROOT / "docs", target, ignore=skip)
    places = {path: path.relative_to(target) for path in target.rglob("*.md")}
    origins = {ROOT / "docs" / place: place for place in places.values()}
    for source, place in MOVED.items():
        shutil.copy2(ROOT / source, target / place)
        origins[ROOT / source] = Path(place)
    for notebook in sorted((ROOT / "tutorials").glob("*.ipynb")):
        origins[notebook] = Path("tutorials") / notebook.name
        shutil.copy2(notebook, target / origins[notebook])
    for origin, place in origins.items():
        _relink(target / place, origin, place, origins)
    for path, text in make_api.pages().items():
        file = target / "reference" / "api" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    _static(target / "_static")
    _front(target)
    _list_tutorials(target / "tutorials")
    (target / "reference" / "orm-relations.svg").write_text(make_diagram.diagram(), "utf-8")


def _static(folder: Path) -> None:
    """Write the one copy of plotly.js, from the installed package."""
    from plotly.offline import get_plotlyjs

    (folder / "plotly.min.js").write_text(get_plotlyjs(), encoding="utf-8")


def _list_tutorials(folder: Path) -> None:
    """Put the title and the idea of each notebook into the page that lists them."""
    page = folder / "index.md"
    text = page.read_text("utf-8")
    # in the order of the list of contents, a pattern after the names that begin like it
    patterns = re.findall(r"^([\w*-]+)$", text.partition(":glob:")[2], re.MULTILINE)
    found = [path for pattern in patterns for path in sorted(folder.glob(f"{pattern}.ipynb"))]
    ideas = []
    for path in dict.fromkeys(found):
        first = "".join(json.loads(path.read_text("utf-8"))["cells"][0]["source"])
        title, idea, *_ = first.split("\n\n")
        ideas.append(f"[{title.lstrip('# ')}]({path.name})\n: {' '.join(idea.split())}\n")
    page.write_text(TUTORIALS.sub(lambda _: "\n".join(ideas), text), encoding="utf-8")


def _front(target: Path) -> None:
    """Show the front page's picture once, as it looks on the reader's light or dark page."""
    from PIL import Image

    page = target / "index.md"
    text = page.read_text("utf-8")
    found = re.search(r"!\[(.+)\]\((gallery/\S+\.png)\)", text)
    if not found:
        return
    picture = Image.open(target / found[2])
    middle, half = picture.width // 2, picture.height // 2
    shown = ""
    # a picture of the gallery has four parts; the lower two are the themes for each page
    for theme, left in (("light", 0), ("dark", middle)):
        part = picture.crop((left, half, left + middle, picture.height))
        part.save(target / "_static" / f"front-{theme}.png")
        shown += f"```{{image}} _static/front-{theme}.png\n:alt: {found[1]}\n"
        shown += f":class: only-{theme} front\n```\n\n"
    page.write_text(text.replace(found[0], shown), encoding="utf-8")


def _relink(page: Path, origin: Path, place: Path, origins: dict[Path, Path]) -> None:
    """Let links between files of the checkout point to where the files are staged."""

    def moved(match: re.Match[str]) -> str:
        picture, text, link, anchor = match[1], match[2], match[3], match[4] or ""
        if re.match(r"[a-z]+:", link):
            return match[0]
        file = (origin.parent / link).resolve()
        if file in origins:
            new = os.path.relpath(origins[file], place.parent)
            return f"{picture}[{text}]({new}{anchor})"
        # a file of the checkout that is no page: its name is enough
        return match[0] if file.is_relative_to(ROOT / "docs") else text

    times = page.stat()
    page.write_text(LINK.sub(moved, page.read_text("utf-8")), encoding="utf-8")
    os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))


def build(source: Path, output: Path, *, execute: bool) -> int:
    """Run Sphinx with warnings as errors; return its exit status.

    Parameters
    ----------
    source
        A staged folder.
    output
        Where `html`, `doctrees` and the results of tutorials go.
    execute
        Whether tutorials whose cells changed are run.
    """
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, **kernel_environment(Path(home))}
        environment["AIQC_DOCS_EXECUTE"] = "cache" if execute else "off"
        environment["AIQC_DOCS_CACHE"] = str(_results(output / "executed")) if execute else ""
        # relative to each tutorial's own temporary folder
        environment["AIQC_DATABASE"] = "study.sqlite3"
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html"]
        folders = ["-d", output / "doctrees", source, output / "html"]
        return subprocess.run([*command, *folders], env=environment, check=False).returncode


def _results(folder: Path) -> Path:
    """Return where the results of tutorials are kept: they are only good for one source."""
    digest = hashlib.sha256()
    for path in sorted([*(ROOT / "aiqc").rglob("*.py"), ROOT / "constraints.txt"]):
        digest.update(path.read_bytes())
    for old in folder.glob("*"):
        if old.name != digest.hexdigest():
            shutil.rmtree(old)
    return folder / digest.hexdigest()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--no-execute", action="store_true", help="do not run the tutorials")
    parser.add_argument("--output", type=Path, default=BUILD)
    given = parser.parse_args()
    output = given.output.absolute()
    stage(output / "source")
    status = build(output / "source", output, execute=not given.no_execute)
    if status == 0:
        sys.stdout.write(f"Documentation: {output / 'html' / 'index.html'}\n")
    sys.exit(status)


if __name__ == "__main__":
    main()
