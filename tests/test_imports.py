"""Who may import whom (the design's rules), read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "mmstconv"
MODULES = sorted(PACKAGE.rglob("*.py"))
MODEL_PARTS = ("backbones", "necks", "fusion", "heads")


def imported(path: Path) -> set[str]:
    """Absolute names of all that a module imports, at any depth of its code."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parts[:-1]]
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def reaches(names: set[str], package: str) -> bool:
    return any(name == package or name.startswith(package + ".") for name in names)


@pytest.mark.parametrize(
    "path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_layers(path):
    where = path.relative_to(PACKAGE).parts
    names = imported(path)
    forbidden = {"tests", "tools", "configs"}
    if where[0] == "media":
        ours = {name for name in names if reaches({name}, "mmstconv")}
        allowed = ("mmstconv.media", "mmstconv.disk")
        assert not {n for n in ours if not any(reaches({n}, a) for a in allowed)}
        forbidden |= {"mmaction", "mmengine", "mmcv"}
    if where[0] == "disk":  # Python alone
        others = {name.split(".")[0] for name in names} - {"mmstconv", ""}
        assert others <= sys.stdlib_module_names
        assert not {n for n in names if n.startswith("mmstconv.") and ".disk" not in n}
    if where[0] == "checkpoints":
        forbidden |= {"mmstconv.datasets"}
    if where[0] == "datasets":
        forbidden |= {"mmstconv.models"}
    if where[0] == "models":
        forbidden |= {"mmstconv.datasets", "mmstconv.media"}
        if where[1] in MODEL_PARTS:
            others = {*MODEL_PARTS, "streams", "recognizers"} - {where[1]}
            forbidden |= {f"mmstconv.models.{other}" for other in others}
    if where[0] not in ("models", "compat.py"):
        forbidden |= {"mmaction.models"}
    assert not {name for name in forbidden if reaches(names, name)}


def test_a_forbidden_import_would_be_seen(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "PACKAGE", tmp_path / "mmstconv")
    module = tmp_path / "mmstconv" / "media" / "x.py"
    module.parent.mkdir(parents=True)
    module.write_text("def f():\n    from ..models.heads import X\n")
    assert reaches(imported(module), "mmstconv.models")


def media_folders() -> dict[str, set[str]]:
    """Each folder of media, and each file beside them: the others that it imports."""
    arrows: dict[str, set[str]] = {}
    for path in (PACKAGE / "media").rglob("*.py"):
        here = path.relative_to(PACKAGE / "media").with_suffix("").parts[0]
        imports = {
            name.split(".")[2]
            for name in imported(path)
            if name.startswith("mmstconv.media.")
        }
        arrows.setdefault(here, set()).update(imports - {here})
    return {
        here: {name for name in found if name in arrows}
        for here, found in arrows.items()
        if here != "__init__"
    }


def test_media_without_a_circle():
    """Folders can be put in an order in which each imports earlier ones only."""
    arrows = media_folders()
    assert {"trust", "structure", "reading", "pyav", "decord", "writing"} < set(arrows)
    assert arrows["trust"] == set()
    assert arrows["decord"] >= {"pyav", "trust"}  # the walk sees what there is
    while arrows:
        ready = {here for here, needs in arrows.items() if not needs & set(arrows)}
        assert ready, f"media's parts import each other in a circle: {arrows}"
        arrows = {here: needs for here, needs in arrows.items() if here not in ready}


def test_importing_the_package_is_cheap():
    """MMAction2's models take seconds to import: only a look-up may cost that."""
    code = "import sys, mmstconv; print('mmaction.models' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
