"""No command is built as a string: file names are never read by a shell."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("mmstconv", "tools", "configs", "tests")
FILES = sorted(path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))
SHELLS = {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}
SHELLS |= {"asyncio.create_subprocess_shell", "pty.spawn"}
STARTERS = {"Popen", "run", "call", "check_call", "check_output"}


def shell_strings(source: str) -> list[int]:
    """The lines that give a string to a shell, or a command as one string."""
    tree = ast.parse(source)
    names = {}  # what imports call the modules and functions
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname or a.name: a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_shell(node, names)
    ]


def _is_shell(call: ast.Call, names: dict[str, str]) -> bool:
    first, _, rest = ast.unparse(call.func).partition(".")
    name = names.get(first, first) + (f".{rest}" if rest else "")
    if name in SHELLS:
        return True
    for keyword in call.keywords:
        constant = getattr(keyword.value, "value", True)
        if keyword.arg == "shell" and constant is not False:
            return True
    module, _, function = name.rpartition(".")
    if module != "subprocess" or function not in STARTERS:
        return False
    command = call.args[0] if call.args else None
    return isinstance(command, (ast.Constant, ast.JoinedStr, ast.BinOp))


def test_no_shell_strings():
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in FILES
        for line in shell_strings(path.read_text())
    ]
    assert FILES and not found, found


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.system(f'ffmpeg -i {name}')",
        "from os import popen as p\np('ls')",
        "import subprocess as s\ns.run(['ls'], shell=True)",
        "import subprocess\nsubprocess.Popen('ls ' + name)",
        "from subprocess import check_output\ncheck_output(f'ls {name}')",
        "import subprocess\nsubprocess.run(command, shell=unknown)",
    ],
)
def test_a_shell_string_would_be_seen(source):
    assert shell_strings(source) == [2]


def test_lists_are_no_shell_strings():
    source = "import subprocess\nsubprocess.run(['ls', name], shell=False)"
    assert shell_strings(source) == []
