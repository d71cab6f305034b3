"""Callbacks of the epochs of a training: learning curves for the model folder and, when asked for, TensorBoard."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from graphrec.errors import UsageError
from graphrec.models.fitting.callbacks import Epoch, Fit


class EpochTracker:
    """Collects the epochs of every fit of a training.

    Args:
        log_dir: a folder that gets TensorBoard events, one subfolder a fit; None: none are written.

    Raises:
        UsageError: events are asked for and the package that writes them is not installed.
    """

    def __init__(self, log_dir: Path | None = None) -> None:
        self._curves: dict[str, dict[str, Any]] = {}
        self._writers: dict[str, Any] = {}
        self._new_writer = _writer_of(log_dir) if log_dir else None

    def callback(self, fit: Fit) -> Callable[[Epoch], None]:
        """The function that gets every epoch of one fit."""

        def on_epoch(epoch: Epoch) -> None:
            # A fit that continues reports its epochs from the first one again.
            if epoch.number == 1:
                self._curves[fit.key] = {**asdict(fit), "loss": [], "value": []}
            self._curves[fit.key]["loss"].append(epoch.loss)
            self._log(fit.key, "loss", epoch.loss, epoch.number)
            if epoch.value is not None:
                self._curves[fit.key]["value"].append(epoch.value)
                self._log(fit.key, fit.metric, epoch.value, epoch.number)

        return on_epoch

    def curves(self, stage: str) -> list[dict[str, Any]]:
        """The learning curves of a stage: term, configuration, metric, and loss and value by epoch."""
        return [curve for curve in self._curves.values() if curve["stage"] == stage]

    def close(self) -> None:
        """Bring what was logged to the disk."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _log(self, key: str, name: str, value: float, number: int) -> None:
        if self._new_writer is None:
            return
        if key not in self._writers:
            self._writers[key] = self._new_writer(key)
        self._writers[key].add_scalar(name, value, number)


def _writer_of(log_dir: Path) -> Callable[[str], Any]:
    try:
        from tensorboardX import SummaryWriter
    except ModuleNotFoundError:
        raise UsageError(
            f"--log-dir {log_dir}: writing TensorBoard events needs the package tensorboardX, which is not installed; "
            "run: pip install 'graphrec[tracking]'"
        ) from None
    return lambda key: SummaryWriter(str(log_dir / key))
