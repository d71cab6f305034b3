"""Make .venv and install graphrec into it from the lock; a second run does nothing: `make install`.

Runs on a bare Python 3.11 or newer: nothing but the standard library.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMP = VENV / "graphrec-installed.json"
LOCK = ROOT / "requirements.lock"
TORCH = ROOT / "requirements-torch.txt"
OLDEST, NEWEST = (3, 11), (3, 14)
WANTED_GB = 8.0
WANTED_GB_CPU = 3.0


def main() -> None:
    """Install what is missing, or do nothing."""
    digest = digest_of_inputs()
    if is_installed(digest):
        return
    use_fitting_python()
    check_disk()
    started = time.monotonic()
    say("installing into .venv: one minute to a few, up to 5 GB where torch comes with CUDA")
    make_venv()
    step("1/4 the locked packages", "--no-deps", "--require-hashes", "-r", LOCK.name)
    step("2/4 torch, the build for this machine", "-r", TORCH.name)
    step("3/4 graphrec itself, editable", "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text(json.dumps({"digest": digest, "root": str(ROOT)}), encoding="utf-8")
    say("4/4 the loops of models and lists, compiled once")
    if subprocess.run([str(PYTHON), "tools/compile.py"], cwd=ROOT, check=False).returncode:
        say("not compiled, the lines above say why; the first commands that need them do it")
    say(f"installed in {time.monotonic() - started:.0f} s")


def digest_of_inputs() -> str:
    """The hash of everything that says what is installed."""
    files = (LOCK, TORCH, ROOT / "pyproject.toml", Path(__file__))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()


def is_installed(digest: str) -> bool:
    """True when .venv was made here from the same inputs."""
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if found.get("root") != str(ROOT):
        shutil.rmtree(VENV)  # its scripts name the folder it was copied from
        return False
    return bool(found.get("digest") == digest) and PYTHON.exists()


def use_fitting_python() -> None:
    """Go on under a Python that graphrec runs on, or say which one is wanted."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and subprocess.run([other, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            os.execv(other, [other, *sys.argv])
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    fail(f"Python {found} is not supported; install Python 3.11 to 3.14, or run: make PYTHON=python3.12 …")


def check_disk() -> None:
    """Stop before a download that would not fit."""
    cpu = os.environ.get("UV_TORCH_BACKEND") == "cpu" or sys.platform == "darwin"
    wanted = WANTED_GB_CPU if cpu else WANTED_GB
    free = shutil.disk_usage(ROOT).free / 1e9
    if free < wanted and not list(VENV.glob("lib/python3.*/site-packages/torch")):
        fail(
            f"{free:.1f} GB free on this disk, installing wants {wanted:.0f} GB; free some"
            + ("" if cpu else ", or take the CPU build of torch: UV_TORCH_BACKEND=cpu make …")
        )


def make_venv() -> None:
    """Make .venv with uv in it, of the locked version."""
    if not PYTHON.exists():
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=False)
        if made.returncode:
            fail("python3 -m venv failed; on Debian and Ubuntu: apt install python3-venv")
    if UV.exists():
        return
    blocks = LOCK.read_text(encoding="utf-8").split("\n")
    first = next(number for number, line in enumerate(blocks) if line.startswith("uv=="))
    last = next(number for number in range(first, len(blocks)) if not blocks[number].endswith("\\"))
    with tempfile.TemporaryDirectory() as folder:
        only_uv = Path(folder, "uv.txt")
        only_uv.write_text("\n".join(blocks[first : last + 1]) + "\n", encoding="utf-8")
        run("uv", str(PYTHON), "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "-r", str(only_uv))


def step(what: str, *options: str) -> None:
    """Install one part with uv."""
    say(what)
    manner = [] if sys.stderr.isatty() else ["--quiet"]
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        # As in many images: every command would otherwise compile torch anew, five seconds.
        manner.append("--compile-bytecode")
    run(what, str(UV), "pip", "install", "--python", str(PYTHON), *manner, *options)


def run(what: str, *command: str) -> None:
    """Run one command in the checkout; stop with one line when it fails."""
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        backend = os.environ.get("UV_TORCH_BACKEND")
        hint = f", or without UV_TORCH_BACKEND={backend}" if backend and TORCH.name in command else ""
        fail(f"{what}: not installed, the lines above say why; run the same command again to go on{hint}")


def say(line: str) -> None:
    """Print one line about what is happening."""
    print(f"graphrec: {line}", file=sys.stderr, flush=True)


def fail(line: str) -> NoReturn:
    """Stop with one line."""
    sys.exit(f"error: {line}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
