"""Run: one repeat of a Job, leased by one process at a time (DESIGN §3.7)."""

from __future__ import annotations

from peewee import ForeignKeyField

from aiqc.core.enums import RunState
from aiqc.orm._base import StoreModel
from aiqc.orm._fields import BigInteger, EnumField, Id, LongText, Text, UTCDateTime
from aiqc.orm.job import Job
from aiqc.orm.queue import Queue


class Run(StoreModel):
    """A state machine: pending > running > complete or failed, or pending again."""

    id = Id()
    #: position in the Queue's plan; runs are claimed in this order
    idx = BigInteger()
    repeat_index = BigInteger()
    state: EnumField[RunState] = EnumField(RunState, default=RunState.PENDING)
    #: root of every draw of the run
    seed = BigInteger()
    #: threads that the run computed with; results repeat bit for bit per thread count
    thread_count = BigInteger(null=True)
    #: grows with every claim; a result with an older token is refused
    token = BigInteger(default=0)
    owner_host = Text(null=True)
    owner_boot_id = Text(null=True)
    owner_pid = BigInteger(null=True)
    owner_process_start = BigInteger(null=True)
    lease_expires = UTCDateTime(null=True)
    time_started = UTCDateTime(null=True)
    time_ended = UTCDateTime(null=True)
    #: class name of the exception of a failed run
    error_type = Text(null=True)
    error_message = LongText(null=True)
    traceback = LongText(null=True)
    queue = ForeignKeyField(Queue, on_delete="CASCADE", backref="runs")
    job = ForeignKeyField(Job, on_delete="CASCADE", backref="runs")
    job_id: int

    class Meta:
        """One Run a repeat of a Job; claims walk the pending ones in order."""

        indexes = ((("job", "repeat_index"), True), (("queue", "state", "idx"), False))
