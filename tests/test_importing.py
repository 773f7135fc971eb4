"""Acts after imports, and packages imported name by name, on packages made here."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PACKAGE = {
    "__init__.py": """
        \"\"\"Gathers names.\"\"\"
        from .first import A, B
        from .inner import *
        from .third import *
        MADE_HERE = A + 1
        print("whole")
        """,
    "first.py": 'print("first")\nA, B = 1, 2\n',
    "second.py": 'print("second")\n',
    "third.py": '__all__ = ["D"]\nprint("third")\nD = 4\n',
    "inner/__init__.py": 'from .deep import C\n__all__ = ["C"]\nprint("inner")\n',
    "inner/deep.py": 'print("deep")\nC = 3\n',
    "known/__init__.py": "from . import one\nfrom .register import KNOWN\n",
    "known/register.py": "KNOWN = []\n",
    "known/one.py": "from .register import KNOWN\nKNOWN.append(1)\n",
    "alike/__init__.py": "from .same import other, same\n",
    "alike/same.py": 'print("same")\nother, same = 5, 6\n',
}
BEGIN = """
from mmstconv.importing import *
from mmstconv.importing import put_together, take_apart, after_import
take_apart(["pack"])
"""


@pytest.fixture
def said(tmp_path):
    """What a program prints that may import ``pack``."""
    for name, content in PACKAGE.items():
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(content))

    def run(code, begin=BEGIN):
        done = subprocess.run(
            [sys.executable, "-c", begin + code],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_a_name_imports_its_module_alone(said):
    assert said("import pack") == []
    assert said("from pack import A, B; print(A, B)") == ["first", "1", "2"]
    assert said("from pack import C; print(C)") == ["deep", "3"]
    assert said("from pack import second; print(second.__name__)") == [
        "second", "pack.second"]  # fmt: skip
    assert said("import pack.inner.deep as deep; print(deep.C)") == ["deep", "3"]


def test_any_other_question_finds_the_package_whole(said):
    whole = ["first", "deep", "inner", "third", "whole"]
    for question, answer in {
        "import pack; print(pack.MADE_HERE)": ["2"],
        "from pack import D; print(D)": ["4"],  # of a module: its names are not read
        "from pack import *; print(A, C, D)": ["1", "3", "4"],
        "import pack; print(hasattr(pack, 'missing'))": ["False"],
        "import pack; print('MADE_HERE' in dir(pack))": ["True"],
        "import pack; put_together(); print(pack.A)": ["1"],
    }.items():
        assert said(question) == [*whole, *answer], question
    # what was imported before stays what it is
    code = "from pack import A, C; import pack; pack.MADE_HERE; print(pack.C is C)"
    assert said(code) == ["first", "deep", "inner", "third", "whole", "True"]


def test_a_package_that_imports_for_effect_is_not_taken_apart(said):
    for code in ("from pack.known import KNOWN", "from pack.known.register import *"):
        assert said(code + "; print(KNOWN)") == ["[1]"], code


def test_a_name_is_not_the_module_of_that_name(said):
    code = "; from pack.alike import same; print(same)"
    for first in ("from pack.alike.same import other", "import pack.alike.same"):
        for whole in ("", "; put_together()"):
            assert said(first + whole + code)[-1] == "6", (first, whole)


def test_together_is_for_good(said):
    code = "put_together(); import pack; print(pack.A)"
    assert said(code) == ["first", "deep", "inner", "third", "whole", "1"]


def test_acts_after_an_import(said):
    act = "after_import('pack.first', lambda: (print('act'), change()))\n"
    change = "import sys\ndef change(): sys.modules['pack.first'].A = 10\n"
    # before those see it who have asked for it, and once
    code = change + act + "from pack import A; import pack.first; print(A)"
    assert said(code) == ["first", "act", "10"]
    assert said(code, "from mmstconv.importing import *\n")[:2] == ["first", "act"]
    code = change + "import pack.first\n" + act + "print(pack.first.A)"
    assert said(code) == ["first", "act", "10"]


def test_a_failing_import_fails_as_ever(said):
    code = "after_import('pack.absent', print)\ntry:\n    import pack.absent\n"
    assert said(code + "except ModuleNotFoundError as e: print(e.name)") == [
        "pack.absent"]  # fmt: skip


def test_a_package_that_cannot_be_imported_fails_when_it_is_asked(said, tmp_path):
    broken = tmp_path / "pack" / "broken"
    broken.mkdir()
    (broken / "__init__.py").write_text("from .deep import X\nimport not_installed\n")
    (broken / "deep.py").write_text("X = 5\n")
    code = "from pack.broken import X; print(X); put_together()\nimport pack\n"
    code += "print(pack.MADE_HERE)\n"
    for _ in range(2):
        code += "try:\n    import pack.broken as b; b.Y\n"
        code += "except ModuleNotFoundError as e: print(e.name)\n"
    whole = ["first", "deep", "inner", "third", "whole"]
    assert said(code) == ["5", *whole, "2", "not_installed", "not_installed"]
