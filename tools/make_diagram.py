"""Draw how the tables relate, from the models: one SVG that a page holds inline.

Its colours are variables of the page, so it is light on a light page and dark on a dark one.
"""

from __future__ import annotations

import html
import re
import sys
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from diagram_layout import Layout, layout

GLOSSARY = Path(__file__).parents[1] / "docs" / "glossary.md"
#: sections of the glossary, with the colour of their tables
AREAS = {
    "The data": "data",
    "The experiment": "experiment",
    "The results": "results",
    "The store": "store",
}
BOX_WIDTH, BOX_HEIGHT, PART_HEIGHT = 158.0, 38.0, 25.0
ROW_GAP, MARGIN = 46.0, 14.0
#: a sideways step of a line, in pixels, that nobody sees
STRAIGHT = 0.5
STORE = ("Blob", "BlobChunk", "Schema")


@dataclass
class Table:
    """One box: a table, the parts that belong to it alone, and its large values."""

    name: str
    area: str
    keys: list[Key]
    blobs: list[str]
    parts: list[Table] = field(default_factory=list)

    @property
    def height(self) -> float:
        """The height of the box with its parts, in pixels."""
        return BOX_HEIGHT + (len(self.parts) * PART_HEIGHT + 6 if self.parts else 0)


@dataclass(frozen=True)
class Key:
    """A foreign key."""

    child: str
    name: str
    parent: str
    is_optional: bool
    #: whether the row is deleted with the one that it points to
    is_part: bool


def tables() -> dict[str, Table]:
    """Return every table of the package by name, as the models declare them."""
    from peewee import ForeignKeyField

    import aiqc.orm  # noqa: F401 - every table is registered
    from aiqc.orm._registry import registry

    areas = areas_of(GLOSSARY.read_text(encoding="utf-8"))
    found = {}
    for model in registry():
        if not model.__module__.startswith("aiqc."):
            continue
        name = model.__name__
        pointers = [f for f in model._meta.sorted_fields if isinstance(f, ForeignKeyField)]
        keys = [
            Key(name, f.name, f.rel_model.__name__, bool(f.null), f.on_delete == "CASCADE")
            for f in pointers
        ]
        blobs = [k.name for k in keys if k.parent == "Blob" and name not in STORE]
        own = [k for k in keys if k.name not in blobs]
        found[name] = Table(name, areas.get(name, "store"), own, blobs)
    return found


def areas_of(glossary: str) -> dict[str, str]:
    """Return {table: area} of the glossary's sections."""
    area, found = "", {}
    for line in glossary.splitlines():
        if line.startswith("## "):
            area = AREAS.get(line[3:], "")
        elif (term := re.match(r"\*\*(\w+)\*\*: ", line)) and area:
            found[term[1]] = area
    return found


def fold_parts(found: dict[str, Table]) -> dict[str, Table]:
    """Put a table that points to one other, and is pointed to by none, inside that one."""
    pointed = {key.parent for table in found.values() for key in table.keys}
    boxes = {n: t for n, t in found.items() if n in pointed or len(t.keys) != 1}
    for name, table in found.items():
        if name not in boxes:
            boxes[table.keys[0].parent].parts.append(table)
    return boxes


def without_cycles(keys: list[Key]) -> list[Key]:
    """Return the keys, optional ones last, without those that would close a circle."""
    kept: list[Key] = []
    for key in sorted(keys, key=lambda key: key.is_optional):
        above = {key.parent}
        for _ in keys:
            above |= {other.parent for other in kept if other.child in above}
        if key.child not in above:
            kept.append(key)
    return kept


def diagram() -> str:
    """Return the SVG of all tables."""
    found = tables()
    boxes = fold_parts({n: t for n, t in found.items() if n not in STORE})
    keys = [key for box in boxes.values() for key in box.keys]
    down = without_cycles(keys)
    up = [key for key in keys if key not in down]
    edges = [(k.child, k.parent) for k in down] + [(k.parent, k.child) for k in up]
    plan = layout(dict.fromkeys(boxes, BOX_WIDTH), list(dict.fromkeys(edges)))
    return svg(boxes, plan, down, up, [found[name] for name in STORE if name in found])


def tops_of(boxes: dict[str, Table], plan: Layout) -> list[tuple[float, float]]:
    """Return (top, height) of each row, in pixels."""
    heights = [max(boxes[n].height if n in boxes else 0 for n in row) for row in plan.order]
    tops, at = [], MARGIN
    for height in heights:
        tops.append((at, height))
        at += height + ROW_GAP
    return tops


def svg(
    boxes: dict[str, Table], plan: Layout, down: list[Key], up: list[Key], store: list[Table]
) -> str:
    """Return the drawing of placed boxes."""
    tops = tops_of(boxes, plan)
    shift = MARGIN - min(plan.centre[n] - BOX_WIDTH / 2 for n in boxes)
    shift = max(shift, MARGIN - min(plan.centre.values()))
    centre = {name: x + shift for name, x in plan.centre.items()}
    width = max([x + (BOX_WIDTH / 2 if n in boxes else 4) for n, x in centre.items()]) + MARGIN
    height = tops[-1][0] + tops[-1][1] + MARGIN
    lines = [_line(key, plan, boxes, centre, tops, is_up=key in up) for key in down + up]
    drawn = [
        _box(box, centre[name] - BOX_WIDTH / 2, tops[plan.row[name]][0])
        for name, box in boxes.items()
    ]
    legend, legend_height = _legend(store, width, height)
    return "\n".join(
        [
            f'<svg class="relations" viewBox="0 0 {width:.0f} {height + legend_height:.0f}" '
            'xmlns="http://www.w3.org/2000/svg" role="img" '
            'aria-label="Tables of AIQC and the foreign keys between them">',
            _MARKERS,
            *lines,
            *drawn,
            legend,
            "</svg>",
            "",
        ]
    )


_MARKER = (
    '<marker id="{name}" viewBox="0 0 {width} 8" refX="{tip}" refY="4" markerWidth="{width}" '
    'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="{kind}" d="{way}"/>'
    "</marker>"
)
_MARKERS = "<defs>{}{}</defs>".format(
    _MARKER.format(name="rel-arrow", width=8, tip=7.5, kind="tip", way="M0.5,0.5 L7.5,4 L0.5,7.5"),
    _MARKER.format(
        name="rel-part", width=12, tip=11.5, kind="whole", way="M0.5,4 L6,0.8 L11.5,4 L6,7.2 Z"
    ),
)


def _port(name: str, other: str, plan: Layout, centre: dict[str, float], side: int) -> float:
    """Return where on a box's lower (1) or upper (-1) edge the line to a neighbour begins."""
    near = set()
    for places in plan.path.values():
        for a, b in pairwise(places):
            if side == 1 and a == name:
                near.add(b)
            if side == -1 and b == name:
                near.add(a)
    places_near = sorted(near, key=lambda place: centre[place])
    step = min(26.0, (BOX_WIDTH - 30) / max(len(places_near), 1))
    return centre[name] + (places_near.index(other) - (len(places_near) - 1) / 2) * step


def _line(
    key: Key,
    plan: Layout,
    boxes: dict[str, Table],
    centre: dict[str, float],
    tops: list[tuple[float, float]],
    *,
    is_up: bool,
) -> str:
    """Return the path of one key, from the row that holds it to the row that it points to."""
    upper, lower = (key.child, key.parent) if is_up else (key.parent, key.child)
    places = plan.path[lower, upper]
    start = tops[plan.row[upper]][0] + boxes[upper].height
    port = _port(upper, places[1], plan, centre, 1)
    # straight down past the tallest box of the row
    end_of_row = sum(tops[plan.row[upper]])
    points = [(port, start), *([(port, end_of_row)] if end_of_row - start > 1 else [])]
    for bend in places[1:-1]:
        top, height = tops[plan.row[bend]]
        points += [(centre[bend], top), (centre[bend], top + height)]
    points.append((_port(lower, places[-2], plan, centre, -1), tops[plan.row[lower]][0]))
    if not is_up:
        points.reverse()
    way = f"M{points[0][0]:.1f},{points[0][1]:.1f}"
    for (x0, y0), (x1, y1) in pairwise(points):
        if abs(x0 - x1) < STRAIGHT:
            way += f" L{x1:.1f},{y1:.1f}"
        else:
            middle = (y0 + y1) / 2
            way += f" C{x0:.1f},{middle:.1f} {x1:.1f},{middle:.1f} {x1:.1f},{y1:.1f}"
    kind = ("part" if key.is_part else "use") + (" optional" if key.is_optional else "")
    tip = "rel-part" if key.is_part else "rel-arrow"
    return (
        f'<path class="key {kind}" data-key="{key.child}.{key.name}" data-to="{key.parent}" '
        f'd="{way}" marker-end="url(#{tip})"><title>{key.child}.{key.name} to {key.parent}'
        "</title></path>"
    )


def _box(table: Table, x: float, y: float) -> str:
    """Return a box with its parts and a dot for each large value."""
    lines = [
        f'<g class="table {table.area}" transform="translate({x:.1f},{y:.1f})">',
        f'<rect class="frame" width="{BOX_WIDTH}" height="{table.height}" rx="7"/>',
        _name(table, 14, BOX_HEIGHT / 2 + 5, "name"),
        _dots(table, BOX_HEIGHT / 2),
    ]
    for number, part in enumerate(table.parts):
        top = BOX_HEIGHT + number * PART_HEIGHT
        [key] = part.keys
        lines += [
            f'<rect class="chip" x="8" y="{top}" width="{BOX_WIDTH - 16}" '
            f'height="{PART_HEIGHT - 4}" rx="4" data-key="{part.name}.{key.name}" '
            f'data-to="{key.parent}"/>',
            _name(part, 16, top + 15, "chip-name"),
            _dots(part, top + (PART_HEIGHT - 4) / 2, BOX_WIDTH - 20),
        ]
    return "\n".join([*lines, "</g>"])


def _name(table: Table, x: float, y: float, kind: str) -> str:
    text = f'<text class="{kind}" x="{x}" y="{y}">{html.escape(table.name)}</text>'
    if table.name in STORE:
        return text
    return f'<a href="api/orm/{table.name}.html">{text}</a>'


def _dots(table: Table, y: float, right: float = BOX_WIDTH - 13) -> str:
    return "".join(
        f'<circle class="blob" cx="{right - 8.5 * number:.1f}" cy="{y}" r="2.8">'
        f"<title>{table.name}.{name}: a Blob</title></circle>"
        for number, name in enumerate(reversed(table.blobs))
    )


def _legend(store: list[Table], width: float, top: float) -> tuple[str, float]:
    """Return the tables without neighbours and what the signs mean, with the height of both."""
    signs = [
        ('<path class="key part" d="M0,0 H38" marker-end="url(#rel-part)"/>', "part of"),
        ('<path class="key use" d="M0,0 H38" marker-end="url(#rel-arrow)"/>', "uses"),
        ('<path class="key optional" d="M0,0 H38" marker-end="url(#rel-arrow)"/>', "may be empty"),
        ('<circle class="blob" cx="30" cy="0" r="2.8"/>', "kept in a Blob"),
    ]
    boxes = fold_parts({table.name: table for table in store})
    lines = [f'<g class="legend" transform="translate({MARGIN},{top + 14:.0f})">']
    for number, box in enumerate(boxes.values()):
        lines.append(_box(box, number * (BOX_WIDTH + 24), 0))
    left = width - 2 * MARGIN - 300
    for number, (sign, text) in enumerate(signs):
        x, y = left + number % 2 * 160, 19 + number // 2 * 28
        lines.append(
            f'<g transform="translate({x:.0f},{y})">{sign}<text x="48" y="4">{text}</text></g>'
        )
    height = max(box.height for box in boxes.values())
    return "\n".join([*lines, "</g>"]), 14 + height + MARGIN


if __name__ == "__main__":
    sys.stdout.write(diagram())
