"""The package as a user has it: installed, seen from another working directory."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import data_options

ROOT = Path(__file__).resolve().parents[2]
SOURCE = (
    "configs",
    "mmstconv",
    "requirements",
    "tools",
    "README.md",
    "model-index.yml",
    "pyproject.toml",
    "setup.py",
)
PIP = ("--no-deps", "--no-build-isolation", "--disable-pip-version-check")
TIMEOUT = 180  # seconds; nothing here takes a minute, a hang ends


def call(*command, cwd, path=None, fails=False) -> str:
    """Run a command outside the checkout; its output, stdout and stderr together.

    ``path`` becomes ``PYTHONPATH``: what this process was given shall not help.
    """
    env = dict(os.environ, OMP_NUM_THREADS="1", PYTHONDONTWRITEBYTECODE="1")
    env.pop("PYTHONPATH", None)
    if path is not None:
        env["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
    )
    assert bool(done.returncode) == fails, done.stdout
    return done.stdout


@dataclass
class Installation:
    """A virtual environment that has our package and borrows everything else."""

    kind: str
    python: Path
    source: Path  # what was installed from

    @property
    def site_packages(self) -> Path:
        (path,) = self.python.parents[1].glob("lib/python*/site-packages")
        return path

    @property
    def mim_folder(self) -> Path:
        return self.site_packages / "mmstconv" / ".mim"

    def run(self, *args, **kwargs) -> str:
        return call(self.python, *args, **kwargs)

    def mim(self, *args, **kwargs) -> str:
        return self.run("-m", "mim", *args, **kwargs)


def make_venv(folder: Path) -> Path:
    """An empty environment with setuptools, which builds editable installations."""
    venv.create(folder, with_pip=False, symlinks=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    outer = Path(sysconfig.get_path("purelib"))
    # With its distutils, which Python has up to 3.11 only and MMEngine imports.
    theirs = ("_distutils_hack", "distutils-precedence.pth")
    for name in ("setuptools", "pkg_resources", "setuptools-*", *theirs):
        for path in outer.glob(name):
            (site_packages / path.name).symlink_to(path)
    return folder / "bin" / "python"


def borrow(python: Path) -> None:
    """Let it import what this interpreter has: after its own packages.

    Only now, so that pip never sees, and never touches, what is installed there. Path
    files over there (an editable mmstconv) are not followed.
    """
    (site_packages,) = python.parents[1].glob("lib/python*/site-packages")
    outer = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site_packages / "zz_borrowed.pth").write_text("\n".join(sorted(outer)) + "\n")


@pytest.fixture(scope="session", params=["wheel", "editable"])
def installed(request, tmp_path_factory) -> Installation:
    folder = tmp_path_factory.mktemp(request.param)
    source = folder / "source"
    source.mkdir()
    for name in SOURCE:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignore)
        else:
            shutil.copy(ROOT / name, source / name)
    python = make_venv(folder / "venv")
    if request.param == "wheel":
        call(
            sys.executable, *f"-m pip wheel -q -w {folder} .".split(), *PIP, cwd=source
        )
        (what,) = folder.glob("mmstconv-*.whl")
        what = [what]
    else:
        what = ["-e", source]
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
    call(*pip, "-q", *PIP, *what, cwd=folder)
    borrow(python)
    return Installation(request.param, python, source)


@pytest.fixture(scope="session")
def outside(tmp_path_factory) -> Path:
    """Another working directory."""
    return tmp_path_factory.mktemp("outside")


@pytest.fixture(scope="session")
def flags(demo_data) -> list[str]:
    """``--cfg-options``: one epoch of the demo on the few generated files."""
    options = {
        **data_options(demo_data),
        "train_cfg.max_epochs": 1,
        "train_cfg.val_interval": 1,
        "default_hooks.checkpoint.interval": 1,
        "default_hooks.checkpoint.max_keep_ckpts": -1,
    }
    for split in ("train", "val", "test"):
        classes = f"{split}_dataloader.dataset.metainfo.classes"
        options[classes] = str(demo_data / "classes.txt")
    return ["--cfg-options", *(f"{key}={value}" for key, value in options.items())]


@pytest.fixture(scope="module")
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
