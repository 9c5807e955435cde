"""Place boxes in rows so that the lines between them are short and cross little.

The steps are those of Sugiyama, Tagawa and Toda (1981): rows by longest path, a bend for each row
that a line passes, order by barycentres, positions by a linear programme.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import pairwise

GAP = 22.0
BEND_WIDTH = 8.0
TRIES = 300
SWEEPS = 8

Edge = tuple[str, str]


@dataclass
class Layout:
    """Where things stand: the row and the centre of each box, and the bends of each line."""

    row: dict[str, int]
    centre: dict[str, float]
    #: (child, parent) -> names of the places it passes, from parent to child
    path: dict[Edge, list[str]] = field(default_factory=dict)
    order: list[list[str]] = field(default_factory=list)


def layout(widths: dict[str, float], edges: list[Edge]) -> Layout:
    """Place boxes of given widths; an edge goes from a child to its parent, above it.

    Parameters
    ----------
    widths
        The width of each box, by name.
    edges
        (child, parent) pairs without a cycle.
    """
    row = rows_of(list(widths), edges)
    row, path = with_bends(row, edges)
    links = [(a, b) for names in path.values() for a, b in pairwise(names)]
    order = ordered(row, links)
    wide = {name: widths.get(name, BEND_WIDTH) for name in row}
    return Layout(row, centres(order, links, wide), path, order)


def rows_of(names: list[str], edges: list[Edge]) -> dict[str, int]:
    """Return the row of each box: below its parents, and next to its children if it has any."""
    row = dict.fromkeys(names, 0)
    for _ in names:
        for child, parent in edges:
            row[child] = max(row[child], row[parent] + 1)
    for _ in names:
        for name in names:
            below = [row[child] for child, parent in edges if parent == name]
            if below:
                row[name] = min(below) - 1
    return row


def with_bends(
    row: dict[str, int], edges: list[Edge]
) -> tuple[dict[str, int], dict[Edge, list[str]]]:
    """Return the rows with a bend wherever a line passes a row, and the way of each line."""
    row = dict(row)
    path = {}
    for child, parent in edges:
        bends = [f"{parent}>{child}@{at}" for at in range(row[parent] + 1, row[child])]
        row |= {bend: row[parent] + 1 + step for step, bend in enumerate(bends)}
        path[child, parent] = [parent, *bends, child]
    return row, path


def ordered(row: dict[str, int], links: list[Edge]) -> list[list[str]]:
    """Return the names of each row from left to right; the best of many seeded starts."""
    chance = random.Random(0)
    above = {name: [a for a, b in links if b == name] for name in row}
    below = {name: [b for a, b in links if a == name] for name in row}
    rows = [[n for n in row if row[n] == at] for at in range(max(row.values()) + 1)]
    best, fewest = rows, crossings(rows, links)
    for _ in range(TRIES):
        tried = [chance.sample(names, len(names)) for names in rows]
        for _ in range(SWEEPS):
            for at in range(1, len(tried)):
                tried[at] = _by_neighbours(tried[at], tried[at - 1], above)
            for at in range(len(tried) - 2, -1, -1):
                tried[at] = _by_neighbours(tried[at], tried[at + 1], below)
            found = crossings(tried, links)
            if found < fewest:
                best, fewest = [list(names) for names in tried], found
    return best


def _by_neighbours(names: list[str], near: list[str], links: dict[str, list[str]]) -> list[str]:
    place = {name: at for at, name in enumerate(near)}
    own = {name: at for at, name in enumerate(names)}

    def barycentre(name: str) -> float:
        found = [place[other] for other in links[name] if other in place]
        return sum(found) / len(found) if found else own[name]

    return sorted(names, key=barycentre)


def crossings(rows: list[list[str]], links: list[Edge]) -> int:
    """Return how many pairs of links cross."""
    place = {name: (r, at) for r, names in enumerate(rows) for at, name in enumerate(names)}
    count = 0
    for r in range(len(rows) - 1):
        ends = [(place[a][1], place[b][1]) for a, b in links if place[a][0] == r]
        count += sum(
            (a - c) * (b - d) < 0 for i, (a, b) in enumerate(ends) for c, d in ends[i + 1 :]
        )
    return count


def centres(
    order: list[list[str]], links: list[Edge], widths: dict[str, float]
) -> dict[str, float]:
    """Return the horizontal centre of each place: total length is least, long lines straight."""
    import numpy as np
    from scipy.optimize import linprog

    names = [name for row in order for name in row]
    at = {name: i for i, name in enumerate(names)}
    count, total = len(names), len(names) + len(links)
    cost = np.zeros(total)
    rows, bounds = [], []
    for k, (a, b) in enumerate(links):
        bends = (">" in a) + (">" in b)
        cost[count + k] = (1, 2, 12)[bends]
        for sign in (1, -1):
            line = np.zeros(total)
            line[at[a]], line[at[b]], line[count + k] = sign, -sign, -1
            rows.append(line)
            bounds.append(0.0)
    for row in order:
        for left, right in pairwise(row):
            line = np.zeros(total)
            line[at[left]], line[at[right]] = 1, -1
            rows.append(line)
            bounds.append(-(widths[left] + widths[right]) / 2 - GAP)
    solved = linprog(cost, A_ub=np.array(rows), b_ub=np.array(bounds), bounds=(0, None))
    return {name: float(solved.x[at[name]]) for name in names}
