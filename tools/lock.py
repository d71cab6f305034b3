"""Write requirements.lock and requirements-torch.txt from pyproject.toml: `make lock`.

Versions that are locked stay where they still fit; `make lock ARGS=--upgrade` takes the newest.

requirements.lock names versions and hashes for Linux and macOS and Python 3.11 to 3.14, and no registry. What depends
on the build of torch (CPU or CUDA) is left out of it: torch is pinned by version in a file of its own.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
TORCH = ROOT / "requirements-torch.txt"
BUILD_DEPENDENT = re.compile(r"^(torch|triton|nvidia-[a-z0-9-]+|cuda-[a-z0-9-]+)==(\S+)", re.MULTILINE)
ANYWHERE = " ; sys_platform == 'darwin' or sys_platform == 'linux'"
"""What uv adds to every line for the two systems of pyproject.toml; the header says it once."""
LOCK_HEADER = """\
# Written by `make lock` from pyproject.toml, for Linux and macOS, Python 3.11 to 3.14. Do not edit.
# Install with --no-deps: torch, which packages here ask for, is pinned in requirements-torch.txt.
"""
TORCH_HEADER = """\
# Written by `make lock` from pyproject.toml. Do not edit.
# The CPU and CUDA builds of torch differ in content and in what they need, so that no one hash names both. uv takes
# the build for this machine; UV_TORCH_BACKEND=cpu asks for the small one. All else is in requirements.lock.
"""


def compile_requirements(*options: str) -> str:
    """The requirements that uv resolves, as text."""
    uv = os.environ.get("UV") or Path(sys.executable).with_name("uv")
    command = [str(uv), "pip", "compile", "pyproject.toml", "--extra", "dev", "--universal", "--python-version", "3.11"]
    # One version of each package for all Pythons: the same inputs then give the same numbers on each.
    command += ["--fork-strategy", "fewest", "--quiet", "--no-header", "--no-annotate", *options]
    environment = {name: value for name, value in os.environ.items() if name != "UV_TORCH_BACKEND"}
    with tempfile.TemporaryDirectory() as folder:
        known = Path(folder, "requirements.lock")  # uv keeps the versions that it finds in its output file
        known.write_text(LOCK.read_text("utf-8") + TORCH.read_text("utf-8"), encoding="utf-8")
        command += ["--output-file", str(known), *sys.argv[1:]]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
        return known.read_text("utf-8")


def main() -> None:
    """Write both files."""
    left_out = dict(BUILD_DEPENDENT.findall(compile_requirements()))
    options = [part for name in sorted(left_out) for part in ("--no-emit-package", name)]
    lock = compile_requirements("--generate-hashes", *options)
    lines = [line.replace(ANYWHERE, "") for line in lock.splitlines() if not line.startswith("#")]
    LOCK.write_text(LOCK_HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    TORCH.write_text(f"{TORCH_HEADER}torch=={left_out['torch']}\n", encoding="utf-8")
    print(f"requirements.lock: {sum('==' in line for line in lines)} packages; torch {left_out['torch']}")


if __name__ == "__main__":
    main()
