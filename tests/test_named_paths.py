"""Paths that configs, docstrings and pages name exist, or a command makes them."""

from __future__ import annotations

import ast
import re
import subprocess
import sysconfig
from pathlib import Path

import mmaction
from mmengine.config import Config, ConfigDict

ROOT = Path(__file__).resolve().parents[1]
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split("\0")
    if name and (ROOT / name).is_file()
] or [path for path in ROOT.rglob("*.*") if ".venv" not in path.parts]
NAMES = {path.name for path in TRACKED}
WHERE = ("README.md", "SECURITY.md", "docs", "configs", "mmstconv", "tools")
TEXTS = [
    path
    for path in TRACKED
    if path.relative_to(ROOT).parts[0] in WHERE and path.suffix in (".py", ".md")
]
PATH = re.compile(r"(?<![\w.}/-])(?<!https:)[\w.*~$/-]*\w\.(?:py|md|yml)\b")
# Where files of others are that we speak of: MMAction2's own, Python's.
OTHERS = [
    Path(mmaction.__file__).parents[1],
    Path(mmaction.__file__).parent / ".mim",
    Path(mmaction.__file__).parent / ".mim/configs",
    Path(mmaction.__file__).parent / ".mim/tools/data",
    Path(mmaction.__file__).parent / "models",
    Path(sysconfig.get_path("stdlib")),
]
OURS = [ROOT / "configs", ROOT / "tools", ROOT / "mmstconv"]
ELSEWHERE = {"s3dg.py"}  # of the projects whose weights we read
JOINED = (
    "work_dirs/demo_tasks/streams.pth",
    "work_dirs/demo_captions/streams.pth",
)
OUTPUTS = {
    "work_dirs/bench/fusion.md",  # of tools/benchmarks/fusion.py: {name}.md
    *("videos_mmstconv/videos.py", "NAME.py"),  # of mmstconv init
}
CONFIGS = {path.stem: path for path in (ROOT / "configs").rglob("*.py")}


def written_by_tools() -> set[str]:
    """Names of files that scripts write: string constants that are no docstrings."""
    names = set()
    for path in TEXTS:
        if path.relative_to(ROOT).parts[0] != "tools" or path.suffix != ".py":
            continue
        tree = ast.parse(path.read_text())
        prose = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if id(node) not in prose:
                    names.add(node.value.rpartition("/")[2])
    return names


def is_there(name: str, text: Path) -> bool:
    path = Path(name)
    if path.name == name and name in NAMES | ELSEWHERE:
        return True
    return any((folder / path).exists() for folder in
               (ROOT, text.parent, *OURS, *OTHERS))  # fmt: skip


def test_named_files_exist():
    made = written_by_tools()
    wrong = []
    for text in TEXTS:
        content = text.read_text()
        for name in sorted(set(PATH.findall(content))):
            shown = f"# {name}\n" in content  # the page says what to write into it
            pattern = any(sign in name for sign in ("...", "*", "~", "$"))
            known = pattern or shown or name in OUTPUTS or Path(name).name in made
            if known or is_there(name, text):
                continue
            wrong.append(f"{text.relative_to(ROOT)}: {name}")
    assert not wrong, wrong


def test_the_scan_sees_a_wrong_name():
    line = "mim train mmstconv configs/recognition/demo/stconvnet_rgb_demo.py\n"
    (name,) = PATH.findall(line)
    assert not is_there(name, ROOT / "tools/train.py")


def test_links_lead_somewhere():
    wrong = [
        f"{text.relative_to(ROOT)}: {target}"
        for text in TRACKED
        if text.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)", text.read_text())
        if "://" not in target and not (text.parent / target).exists()
    ]
    assert not wrong, wrong


def checkpoints_in(value) -> list[str]:
    if isinstance(value, (dict, ConfigDict)):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return [name for one in value for name in checkpoints_in(one)]
    return [value] if isinstance(value, str) and value.endswith(".pth") else []


def last_epoch(config: Path) -> str:
    return f"epoch_{Config.fromfile(config).train_cfg.max_epochs}.pth"


def test_checkpoints_that_configs_start_from_are_made():
    """By a training that its header shows, or a conversion that a page or header shows.

    tests/test_end_to_end.py runs one of the trainings.
    """
    converted = set()
    for text in TEXTS:
        converted |= set(re.findall(r"--out (checkpoints/\S+\.pth)", text.read_text()))
    wrong = []
    for config in CONFIGS.values():
        if ".pth" not in config.read_text():
            continue
        for name in set(checkpoints_in(Config.fromfile(config)._cfg_dict)):
            path = Path(name)
            by_script = "# python tools/demo_tasks.py\n" in config.read_text()
            if name in JOINED and by_script:
                continue
            run = CONFIGS.get(path.parent.name)
            if path.parts[0] == "work_dirs" and run is not None:
                # the folder that a training takes by itself, and the command for it
                shown = f"# mim train mmstconv {run.name}\n" in config.read_text()
                if shown and path == Path("work_dirs", run.stem, last_epoch(run)):
                    continue
            elif name in converted:
                continue
            wrong.append(f"{config.name}: {name}")
    assert not wrong, wrong


def test_checkpoints_of_the_readme_are_what_its_configs_write():
    readme = (ROOT / "README.md").read_text()
    named = re.findall(r"work_dirs/(\w+)/(epoch_\d+\.pth)", readme)
    assert named
    for stem, file in named:
        example = re.search(rf"# {stem}\.py\n_base_ = \[\s*\"mmstconv::(\S+)\"", readme)
        assert file == last_epoch(ROOT / "configs" / example[1]), file
