"""The protocols of the main road; each has a contract test (tests/contracts)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from datetime import datetime

    from aiqc.core.enums import Output
    from aiqc.core.types import (
        Array,
        Failure,
        Features,
        Lease,
        Outcome,
        Owner,
        StoredModel,
        TrainingTask,
    )


class Backend(Protocol):
    """How one library builds, trains, predicts and stores. Stateless."""

    #: float type of the features and labels it is handed: 'float32' or 'float64'
    compute_dtype: str

    def seed(self, seed: int, thread_count: int) -> None:
        """Seed every generator the library draws from and apply the thread count."""
        ...

    def train(self, task: TrainingTask) -> tuple[Any, Any, Any, dict[str, Array], Output | None]:
        """Build and fit; return (model, optimizer, loser, history, output)."""
        ...

    def loser(self, task: TrainingTask, output: Output | None) -> Any:
        """Return the loss of fn_lose, or the library's default for this output."""
        ...

    def predict(
        self, task: TrainingTask, model: Any, features: Features, output: Output | None
    ) -> tuple[Array, Array | None]:
        """Return (predictions, probabilities) of one split: ordinal codes or encoded numbers."""
        ...

    def loss(
        self, task: TrainingTask, model: Any, loser: Any, features: Features, label: Array
    ) -> float:
        """Return the mean loss on encoded values; NaN is a value."""
        ...

    def export(self, task: TrainingTask, model: Any, optimizer: Any) -> StoredModel:
        """Return the model as bytes, checked to repeat its outputs on one batch."""
        ...

    def rebuild(self, task: TrainingTask, stored: StoredModel) -> tuple[Any, Any]:
        """Return (model, optimizer) from bytes; optimizer None where there is none."""
        ...


@runtime_checkable
class AcceptsMissing(Protocol):
    """A backend some of whose models take NaN among their features."""

    def accepts_missing(self, task: TrainingTask) -> bool:
        """Return whether the model that fn_build makes takes NaN."""
        ...


class JobStore(Protocol):
    """Where runs wait, are leased and leave their results. Safe to call from two processes."""

    def claim(self, owner: Owner, now: datetime, lease_seconds: float) -> Lease | None:
        """Take the next pending run; None when none is left."""
        ...

    def renew(self, lease: Lease, now: datetime, lease_seconds: float) -> Lease:
        """Extend a lease; LeaseLost if its token is no longer the run's."""
        ...

    def complete(self, lease: Lease, outcome: Outcome) -> int:
        """Store the result once and return the Predictor's id; LeaseLost if taken over."""
        ...

    def fail(self, lease: Lease, failure: Failure) -> None:
        """Record that the run raised."""
        ...

    def release(self, lease: Lease) -> None:
        """Give an unfinished run back: pending again."""
        ...

    def recover(self, now: datetime) -> list[int]:
        """Return to pending what dead owners hold; the run ids."""
        ...

    def retry_failed(self) -> list[int]:
        """Return failed runs to pending, once a call of run_jobs (RULINGS, Failures)."""
        ...

    def progress(self) -> tuple[int, int]:
        """Return (runs finished, runs in total)."""
        ...
