"""The doctor: what fits, what is missing, on packages made here as well."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import metadata

import numpy
import pytest
import torch

from mmstconv import __version__
from mmstconv.apis import environment


def doctor(*arguments, path=None):
    env = None if path is None else {"PYTHONPATH": str(path), "PATH": ""}
    return subprocess.run(
        [sys.executable, "-m", "mmstconv", "doctor", *arguments],
        capture_output=True,
        text=True,
        env=env,
    )


@pytest.mark.slow
def test_this_environment_works():
    done = doctor("--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert found["ok"] and not found["problems"]
    versions = {one["name"]: one["version"] for one in found["packages"]}
    assert versions["torch"] == torch.__version__
    assert versions["numpy"] == numpy.__version__
    declared = {
        r.split(";")[0] for r in metadata.requires("mmstconv") if "extra" not in r
    }
    assert len(versions) == len(declared) + 3  # Python, mmcv, the models
    assert any("ColorJitter" in one for one in found["repaired"])
    assert found["machine"]["CUDA of torch"]


def test_what_is_missing_old_or_broken(tmp_path):
    """decord does not import, av is too old, soxr is gone."""
    (tmp_path / "decord.py").write_text("raise OSError('libfoo.so.1 is not there')\n")
    info = tmp_path / "av-3.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: av\nVersion: 3.0\n")
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\nreal = m.version\n"
        "def version(name):\n"
        "    if name == 'soxr': raise m.PackageNotFoundError(name)\n"
        "    return real(name)\nm.version = version\n"
    )
    done = doctor(path=tmp_path)
    assert done.returncode == 1, done.stderr
    said = {" ".join(line.split()) for line in done.stdout.splitlines()}
    assert "no av 3.0 is 3.0, wants <20,>=17" in said
    assert any("decord" in s and "OSError: libfoo.so.1 is not there" in s for s in said)
    assert any(s.startswith("no soxr is missing: pip install 'soxr'") for s in said)
    assert done.stdout.splitlines()[-1].endswith("problem(s)")


def test_a_package_that_refuses_another(tmp_path):
    """MMAction2 asserts, when it is imported, that mmcv is older than 2.2."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys, types\n"
        "newer = types.ModuleType('mmcv.version')\n"
        "newer.__version__ = '2.2.0'\n"
        "newer.__all__ = ['__version__']\n"
        "sys.modules['mmcv.version'] = newer\n"
    )
    done = doctor(path=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "mmaction cannot be imported: AssertionError: MMCV==2.2.0" in done.stdout


def test_what_the_package_declares():
    needed, extras = environment.requirements()
    assert {"torch", "numpy", "mmaction2"} <= {one.name for one in needed}
    assert "transformers" in {one.name for one in extras["language"]}
    assert not environment.FOR_DEVELOPERS & extras.keys()
    assert environment.memory_limit() > 1 << 28 and __version__
