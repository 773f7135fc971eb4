"""Who may import whom (the design's rules), read from the source.

    python tests/test_imports.py

prints the floors of the package from the ground up and what each imports today.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1] / "mmstconv"
MODULES = sorted(PACKAGE.rglob("*.py"))
#: Small modules that all floors may use, but for those that import less.
GROUND = [
    *("disk", "version", "registry", "cores", "compat"),
    *("modalities", "randomness", "private_names", "importing", "light_start"),
]
#: Each floor, from the ground up, and which others of ours it may import. A folder of
#: ``models`` is a floor of its own; a file beside them is on the floor ``models``.
FLOORS = {
    "disk": (),
    "media": ("disk",),
    "compat": ("media",),
    **dict.fromkeys(("version", "registry", "cores", "modalities", "randomness"), ()),
    **dict.fromkeys(("private_names", "importing", "light_start"), ()),
    "pipelines": ("media",),
    "datasets": ("media", "pipelines"),
    "models.layers": (),
    "models.backbones": ("models.layers",),
    "models.necks": ("models.layers",),
    "models.streams": ("models.layers",),
    "models.fusion": ("models.layers",),
    "models.joint": ("models.layers", "models.fusion"),
    # the joint gives what a head reads: its type alone
    "models.heads": ("models.layers", "models.joint"),
    # samples are mixed with their labels
    "models.data_preprocessors": ("models.layers", "models.heads"),
    "models.recognizers": ("models.layers", "models.streams", "models.joint"),
    "models.predictors": (
        *("models.layers", "models.streams", "models.joint", "models.recognizers"),
    ),
    "models.streaming": (
        *("models.layers", "models.backbones", "models.streams", "models.joint"),
    ),
    "models": ("models.*",),  # its __init__ names them all
    "checkpoints": ("models.*",),
    "evaluation": (),
    "visualization": ("evaluation",),
    "engine": (
        *("checkpoints", "datasets", "evaluation", "visualization"),
        *("models.*", "media", "pipelines"),
    ),
    "apis": (
        *("checkpoints", "datasets", "engine", "evaluation", "media"),
        *("models.*", "pipelines", "visualization"),
    ),
    "__main__": ("apis", "engine"),
    "__init__": ("checkpoints",),
}
NARROW = {"disk", "media"}  # these do not use the ground
#: Of other packages: who alone may import them, or who may not.
MODELS_OF_MMACTION = {"models", "compat"}
NOT_IN_MEDIA = {"mmaction", "mmengine", "mmcv"}


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


def floor_of(parts: tuple[str, ...]) -> str:
    """``('models', 'heads', 'labels')`` -> ``'models.heads'``; of a file its stem."""
    first = parts[0].removesuffix(".py")
    if first == "models" and len(parts) > 1 and f"models.{parts[1]}" in FLOORS:
        return f"models.{parts[1]}"
    return first


def floors_imported(path: Path) -> set[str]:
    """Other floors that a module imports; names of ``mmstconv`` itself are none."""
    here = floor_of(path.relative_to(PACKAGE).parts)
    parts = [tuple(name.split(".")[1:]) for name in imported(path) if of_ours(name)]
    return {
        floor_of(one) for one in parts if one and any(PACKAGE.glob(f"{one[0]}*"))
    } - {here}


def of_ours(name: str) -> bool:
    return reaches({name}, PACKAGE.name)


def may_import(here: str) -> set[str]:
    allowed = {*FLOORS[here], *(() if here in NARROW else GROUND)}
    if "models.*" in allowed:
        allowed |= {"models", *(name for name in FLOORS if name.startswith("models."))}
    return allowed


def test_each_floor_imports_what_is_below_it():
    wrong = []
    for path in MODULES:
        where = path.relative_to(PACKAGE)
        here = floor_of(where.parts)
        if here not in FLOORS:
            wrong.append(f"{where} is on no floor of the table")
            continue
        more = floors_imported(path) - may_import(here)
        wrong += [f"{where} imports {name}" for name in sorted(more)]
    assert MODULES and not wrong, "\n".join(wrong)


def test_nothing_imports_what_uses_the_package():
    outer = ("tests", "tools", "configs")
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        for name in outer
        if reaches(imported(path), name)
    ]
    assert not wrong, "\n".join(wrong)


def test_other_packages():
    """``mmaction.models`` is slow to import; media know nothing of MMAction2; disk
    needs Python alone."""
    wrong = []
    for path in MODULES:
        where, names = path.relative_to(PACKAGE), imported(path)
        here = where.parts[0].removesuffix(".py")
        forbidden = set()
        if here not in MODELS_OF_MMACTION:
            forbidden.add("mmaction.models")
        if here == "media":
            forbidden |= NOT_IN_MEDIA
        if here == "disk":
            tops = {name.split(".")[0] for name in names} - {"", PACKAGE.name}
            forbidden |= tops - sys.stdlib_module_names
        wrong += [f"{where} imports {n}" for n in forbidden if reaches(names, n)]
    assert not wrong, "\n".join(wrong)


def test_the_floors_have_no_circle():
    """But for the arrows that are written down: weights and what loads them."""
    arrows = {here: may_import(here) & set(FLOORS) for here in FLOORS}
    for here in arrows:
        arrows[here] -= {*GROUND, "models"}
    arrows["loading"] = set()
    while arrows:
        ready = {here for here, needs in arrows.items() if not needs & set(arrows)}
        assert ready, f"floors may import each other in a circle: {arrows}"
        arrows = {here: needs for here, needs in arrows.items() if here not in ready}


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
    """torch and MMAction2 take seconds to import: only their use may cost that."""
    code = "import sys, mmstconv; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"numpy", "torch", "mmengine", "mmcv", "mmaction"}


def show() -> None:
    """Print each floor and the arrows that go out of it."""
    arrows: dict[str, set[str]] = {here: set() for here in FLOORS}
    for path in MODULES:
        arrows[floor_of(path.relative_to(PACKAGE).parts)] |= floors_imported(path)
    for here, names in arrows.items():
        print(f"{here:26}-> {', '.join(sorted(names)) or '-'}")


if __name__ == "__main__":
    show()
