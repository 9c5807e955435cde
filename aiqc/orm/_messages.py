"""Messages of the library: to the logger 'aiqc', and to stderr while a call is verbose."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

logger = logging.getLogger("aiqc")


def announce(lines: Iterable[str]) -> None:
    """Log lines at INFO."""
    for line in lines:
        logger.info(line)


@contextmanager
def speaking(verbose: bool) -> Iterator[None]:
    """Show INFO lines on stderr during the block if `verbose`."""
    if not verbose:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("aiqc: %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
