"""A demonstration: three studies on real data, in one store, with one page of plots.

Run it with `python -m aiqc.demo`.
"""

from __future__ import annotations
