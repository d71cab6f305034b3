"""The serving side of a home, copied to a folder that a serving machine gets: no vault, no personal field."""

import filecmp
import shutil
from pathlib import Path

from graphrec import log
from graphrec.app.bank import Bank
from graphrec.app.jobs import Publish
from graphrec.app.maintenance.retention import why_kept
from graphrec.app.models import in_force
from graphrec.app.results import Published
from graphrec.errors import NotTrained, UsageError
from graphrec.files import place_folder, private_folder, whole_file
from graphrec.graph.folders.facts import FactsShelf
from graphrec.graph.folders.shelf import SnapshotShelf
from graphrec.home import Home
from graphrec.policy.read import read_policy
from graphrec.progress import Progress

#: Files of the serving side that only writers of this home need.
_LEFT_OUT = ("lock", "origin.json", in_force.FILE)


def publish(bank: Bank, request: Publish, progress: Progress) -> Published:
    """A home with the serving side alone, whole at every moment; what is there already is not written again.

    Raises:
        NotTrained: the home has no model.
        UsageError: the target is no serving copy and not an empty folder, or lies in the home.
    """
    home, target = bank.home, Home(request.to)
    if not any(home.models.glob("*/meta.json")):
        raise NotTrained(f"there is no model in {home.models}, so there is nothing to publish; run: graphrec train")
    _check_target(home, target)
    home.secret()  # Bands of the copy are those of the home.
    files = _served(home)
    with log.stage("publish") as stage:
        if not target.format_file.exists():
            target.write_format(is_copy=True)  # First, so that a killed command can be run again.
        is_new = not _is_same(files, target.serving)
        if home.policy.exists():
            with whole_file(target.policy) as temporary:
                shutil.copyfile(home.policy, temporary)
            for name in sorted({name.partition("#")[0] for name in read_policy(home.policy).lists}):
                beside = target.policy.parent / name
                beside.parent.mkdir(parents=True, exist_ok=True)
                with whole_file(beside) as temporary:
                    shutil.copyfile(home.policy.parent / name, temporary)
        else:
            target.policy.unlink(missing_ok=True)
        for name in ("experiments.toml", "experiments.json"):
            if (home.path / name).exists():
                with whole_file(target.path / name) as temporary:
                    shutil.copyfile(home.path / name, temporary)
            else:
                (target.path / name).unlink(missing_ok=True)
        languages = home.path / "languages"
        if languages.is_dir():
            _copy({path.relative_to(languages): path for path in _files(languages)}, target.path / languages.name)
        if is_new:
            _copy(files, target.serving, progress)
        size = sum(path.stat().st_size for path in files.values())
        stage.count(files=len(files), bytes=size, new=is_new)
    return Published(target.path, len(files), size, is_new)


def _check_target(home: Home, target: Home) -> None:
    here, there = home.path.resolve(), target.path.resolve()
    if here == there or here in there.parents or there in here.parents:
        raise UsageError(f"--to {target.path} lies in the home {home.path} or around it; name another folder")
    target.check()
    if target.format_file.exists() and not target.written_by().is_copy:
        raise UsageError(f"--to {target.path} is a home with a vault of its own; name an empty folder")


def _served(home: Home) -> dict[Path, Path]:
    """What answers read, by its place in the serving folder.

    Of facts the newest; of snapshots the latest and those of models.
    """
    left_out: set[Path] = set()
    for part in (home, *(Home(home.path, as_of=path.name) for path in (home.serving / "as-of").glob("*"))):
        kept = {one.name for one in why_kept(part, keep=1) if one.reasons != ("newest 1",)}
        left_out |= {part.snapshots / name for name in SnapshotShelf(part.snapshots).names() if name not in kept}
        facts = FactsShelf(part.facts)
        left_out |= {part.facts / name for name in facts.names() if name != facts.latest_name()}
    return {
        path.relative_to(home.serving): path
        for path in _files(home.serving)
        if path.name not in _LEFT_OUT and not left_out.intersection(path.parents)
    }


def _files(folder: Path) -> list[Path]:
    """The files of a folder, without unfinished work."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts)]


def _is_same(files: dict[Path, Path], folder: Path) -> bool:
    found = _files(folder) if folder.is_dir() else []
    there = {path.relative_to(folder) for path in found if path.name not in _LEFT_OUT}
    return there == set(files) and all(filecmp.cmp(path, folder / name, shallow=False) for name, path in files.items())


def _copy(files: dict[Path, Path], folder: Path, progress: Progress | None = None) -> None:
    """Put copies of files into the place of a folder, in one step."""
    with private_folder(folder.parent, folder.name) as scratch:
        fresh = scratch / folder.name
        fresh.mkdir()
        for done, (name, path) in enumerate(files.items()):
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, fresh / name)
            if progress is not None:
                progress("publishing", done + 1, len(files))
        observed = folder / in_force.FILE  # what the copy itself has answered with
        if observed.exists():
            shutil.copyfile(observed, fresh / observed.name)
        place_folder(fresh, folder)
