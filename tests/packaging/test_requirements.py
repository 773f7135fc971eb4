"""What the package says that it needs is what it imports, and what `make` installs."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import version
from pathlib import Path

from importlib_metadata import packages_distributions  # that of 3.10 knows fewer
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
# The user's choice between mmcv and mmcv-lite, which the README names.
CHOSEN = {"mmcv"}
# Read where it is installed; the message says so where it is not.
OPTIONAL = {
    "safetensors",
    "h5py",
    "onnx",
    "tflite",
    "ruptures",
    "lpips",
    "pyarrow",
    "ray",
    "pycocoevalcap",
    "shtab",
}


def lines(name: str) -> list[str]:
    text = (ROOT / "requirements" / name).read_text()
    return [line for line in text.splitlines() if line[:1].isalpha()]


def requirements(name: str) -> dict[str, Requirement]:
    found = map(Requirement, lines(name))
    return {canonicalize_name(one.name): one for one in found}


def imported(folder: str) -> dict[str, Path]:
    """Modules of other packages, and a file that imports each."""
    found: dict[str, Path] = {}
    for path in (ROOT / folder).rglob("*.py"):
        if {"benchmarks", "experiments", ".mim"} & {*path.parts}:
            continue
        # A script imports its neighbours, and puts its folder data/ on the path; those
        # in data/ and analysis/ put the folder above on it.
        near = [path.parent, path.parent / "data"]
        near += [path.parents[1]] if path.parent.name in ("data", "analysis") else []
        neighbours = {other.stem for place in near for other in place.glob("*.py")}
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            for name in names:
                top = name.partition(".")[0]
                if top not in neighbours:
                    found.setdefault(top, path)
    for name in (*sys.stdlib_module_names, "mmstconv"):
        found.pop(name, None)
    return found


def test_what_is_imported_is_declared():
    declared = set(requirements("runtime.txt"))
    owners = packages_distributions()
    for module, path in {**imported("mmstconv"), **imported("tools")}.items():
        if module in CHOSEN | OPTIONAL:
            continue
        by = {canonicalize_name(owner) for owner in owners.get(module, [module])}
        assert by & declared, f"{path} imports {module}, which runtime.txt lacks"


def test_no_command_needs_mim():
    for folder in ("mmstconv", "tools"):
        found = imported(folder)
        assert "mim" not in found, f"{found.get('mim')} imports mim"


def test_pins_are_within_the_ranges():
    pins = [Requirement(line) for line in lines("constraints.txt")]
    for name in ("runtime.txt", "demo.txt", "mim.txt", "tests.txt"):
        for key, wanted in requirements(name).items():
            mine = [pin for pin in pins if canonicalize_name(pin.name) == key]
            assert mine, f"{wanted.name} of {name} has no pin"
            for pin in mine:
                pinned = next(iter(pin.specifier)).version
                assert wanted.specifier.contains(pinned), f"{pin} is not {wanted}"


def test_versions_of_python_are_said_alike():
    setup = (ROOT / "setup.py").read_text()
    lowest = re.search(r'python_requires=">=(3\.\d+)"', setup)[1]
    readme = (ROOT / "README.md").read_text()
    assert set(re.findall(r"Python (3\.\d+) to 3\.\d+", readme)) == {lowest}
    target = lowest.replace(".", "")
    assert f'target-version = "py{target}"' in (ROOT / "pyproject.toml").read_text()


def test_av_is_one_of_the_supported_versions():
    assert requirements("runtime.txt")["av"].specifier.contains(version("av"))
