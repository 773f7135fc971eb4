"""What shells complete, asked of a real bash."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from mmstconv import __main__ as command

pytest.importorskip("shtab")


@pytest.fixture(scope="module")
def written():
    """What is written for bash and zsh."""
    found = {}
    for shell in ("bash", "zsh"):
        done = subprocess.run(
            [sys.executable, "-m", "mmstconv", "completion", shell],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        found[shell] = done.stdout
    return found


@pytest.mark.skipif(not shutil.which("bash"), reason="no bash")
def test_bash_completes_commands_and_flags(written, tmp_path):
    script = tmp_path / "completion"
    script.write_text(written["bash"])

    def completed(*words):
        code = (
            f"source {script}; COMP_WORDS=(mmstconv {' '.join(words)}); "
            f"COMP_CWORD={len(words)}; _shtab_mmstconv; "
            'printf "%s\\n" "${COMPREPLY[@]}"'
        )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
        return set(done.stdout.split())

    assert completed("pre") == {"prepare", "predict", "predict-frames"}
    assert completed("trai") == {"train"}
    assert completed("predict", "--ba") == {"--batch-size"}
    assert completed("train", "--res") == {"--resume"}
    assert completed("completion", "z") == {"zsh"}


def test_zsh_gets_every_command(written):
    assert written["zsh"].startswith("#compdef mmstconv")
    for name in command.COMMANDS:
        assert f"{name}:'" in written["zsh"], name
