"""The metastore: connecting, writing, copying and destroying it; importing this opens nothing."""

from __future__ import annotations

from aiqc.orm._connect import (
    connect,
    connection_string,
    create_db,
    disconnect,
    is_connected,
    setup,
)
from aiqc.orm._maintenance import backup, destroy_db
from aiqc.orm._proxy import Metastore, connection_context, current, live, proxy, transaction

__all__ = [
    "Metastore",
    "backup",
    "connect",
    "connection_context",
    "connection_string",
    "create_db",
    "current",
    "destroy_db",
    "disconnect",
    "is_connected",
    "live",
    "proxy",
    "setup",
    "transaction",
]
