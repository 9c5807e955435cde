"""Ctrl-C waits for the end of a transaction; inside, peewee would lose track of it."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType


@dataclass(frozen=True, slots=True)
class _Hold:
    """A handler that keeps the first signal and passes the others on."""

    handler: Callable[[int, FrameType | None], Any]
    received: list[tuple[int, FrameType | None]]

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.received.append((number, frame))
        if len(self.received) > 1:
            self.handler(number, frame)


@contextmanager
def interrupt_later() -> Iterator[None]:
    """Hold a SIGINT back until the block is left; a second one comes through at once.

    Between BEGIN and peewee's note of it, and between that note's end and COMMIT, a
    KeyboardInterrupt would leave the connection inside a transaction that nothing ends: it
    keeps the write lock, and the next one is refused.
    """
    handler = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    if not (is_main and callable(handler)) or isinstance(handler, _Hold):
        yield
        return
    received: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, _Hold(handler, received))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if len(received) == 1:
            handler(*received[0])
