"""What a training has done so far, so that one that was killed goes on where it was and ends with the same bytes.

    <home>/working/<kind>-<test|final>-<digest of everything that decides the result>/
        <step>.json                 the result of a finished step of the search
        <fit>.safetensors           the state of a fit by epochs: arrays, everything else as JSON in the header

Every file appears whole or not at all. The folder goes when the model is written.
"""

import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphrec.files import whole_file
from graphrec.models.digests import digest

if TYPE_CHECKING:
    from graphrec.models.fitting.callbacks import Keeper, State

SHARE = 0.05
"""Part of a fit's time that may go into keeping its state."""


@dataclass(frozen=True)
class FileWork:
    """The working folder of one training; without a folder nothing is kept."""

    folder: Path | None = None

    @classmethod
    def of(cls, working: Path, name: str, request: Mapping[str, Any]) -> "FileWork":
        """The folder `<name>-<digest>` for a request; those of the same name for other requests are removed.

        Args:
            working: where working folders are.
            name: of the training.
            request: everything that decides its result, code and versions of packages too: what another one left is
                not continued.
        """
        folder = working / f"{name}-{digest(dict(request))}"
        for other in working.glob(f"{name}-{'[0-9a-f]' * 16}"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)
        return cls(folder)

    def once(self, step: str, make: Callable[[], Any]) -> Any:
        """The plain result of a step: read where it was done before, made and written otherwise."""
        if self.folder is None:
            return _plain(make())
        path = self.folder / f"{step}.json"
        if path.exists():
            return json.loads(path.read_text("utf-8"))
        made = json.dumps(make())
        with whole_file(path) as temporary:
            temporary.write_text(made, "utf-8")
        return json.loads(made)

    def keeper(self, fit: str) -> "Keeper | None":
        """Where the state of a fit is kept; None without a folder."""
        return None if self.folder is None else FileKeeper(self.folder / f"{fit}.safetensors")

    def clear(self) -> None:
        """Remove the folder: the training is done."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


class FileKeeper:
    """Keeps the state of a fit in one file, as often as SHARE of its time allows."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._next = 0.0

    def last(self) -> "State | None":
        """The state in the file; None where there is none."""
        from safetensors import safe_open

        from graphrec.models.fitting.callbacks import Epoch, State

        if not self.path.exists():
            return None
        with safe_open(self.path, framework="pt") as file:
            header = json.loads(file.metadata()["state"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return State(tuple(Epoch(**epoch) for epoch in header["epochs"]), arrays, header["rng"])

    def keep(self, state: "Callable[[], State]", *, is_last: bool) -> None:
        """Write the state when it is the last one or when the last writing is long enough ago."""
        from safetensors.torch import save_file

        began = time.monotonic()
        if began < self._next and not is_last:
            return
        now = state()
        header = {"epochs": [asdict(epoch) for epoch in now.epochs], "rng": now.rng}
        with whole_file(self.path) as temporary:
            save_file(
                {name: tensor.cpu() for name, tensor in now.arrays.items()}, temporary, {"state": json.dumps(header)}
            )
        ended = time.monotonic()
        self._next = ended + (ended - began) / SHARE


def _plain(value: Any) -> Any:
    """The value as it would be read again."""
    return json.loads(json.dumps(value))
