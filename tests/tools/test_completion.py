"""What shells complete, asked of a real bash and a real zsh."""

from __future__ import annotations

import os
import pty
import re
import select
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


# What is typed before Tab, and what the last word is then.
TYPED = {
    "det": "detect ",
    "predict co": "config.py ",
    "predict my": "my\\ films/",
    "predict config.py mo": "model.pth ",
    "predict a b c.mp4 fi": "film.mp4 ",
    "predict a b c.mp4 --ba": "--batch-size ",
    "predict --list li": "list.txt ",
    "extract a b --ann c li": "list.txt ",
    "extract a b --ann c --wo": "--workers ",
    "train config.py --resume mo": "model.pth ",
    "train config.py --resume --am": "--amp ",
    "caption a b c --events d mo": "model.pth ",
    "features a --format h": "h5 ",
    "download get a --from mo": "model.pth ",
}
BACKSPACE = re.compile(r"[^\x08]\x08")
CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]|\x07")
SHELLS = {
    "bash": (["--norc", "--noprofile"], "source ./_mmstconv"),
    "zsh": (["-f"], "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D"),
}


def shown(line):
    """What is to be seen of what a terminal was told."""
    line = CONTROL.sub("", line)
    while "\x08" in line:
        line = BACKSPACE.sub("", line, count=1)
    return line


@pytest.mark.parametrize("shell", SHELLS)
def test_in_a_terminal(written, tmp_path, shell):
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    for name in ("config.py", "model.pth", "film.mp4", "list.txt"):
        (tmp_path / name).touch()
    (tmp_path / "my films").mkdir()
    (tmp_path / "_mmstconv").write_text(written[shell])
    flags, begin = SHELLS[shell]
    terminal, its = pty.openpty()
    process = subprocess.Popen(
        [shell, *flags, "-i"],
        **dict.fromkeys(("stdin", "stdout", "stderr"), its),
        cwd=tmp_path,
        env=dict(os.environ, PS1="ready>", TERM="dumb"),
        start_new_session=True,
    )

    def answer(end):
        said = b""
        while end not in said:
            assert select.select([terminal], [], [], 60)[0], said
            said += os.read(terminal, 4096)
        return said.decode()

    wrong = {}
    try:
        answer(b"ready>")
        os.write(terminal, f"{begin}; stty cols 200\n".encode())
        answer(b"ready>")
        for typed, expected in TYPED.items():
            # what follows shows that Tab was answered, and that no blank is missing
            os.write(terminal, f"mmstconv {typed}\t#\n".encode())
            said = shown(answer(b"ready>").splitlines()[0])
            before = typed.split(" ")[:-1]
            if said != " ".join(["mmstconv", *before, f"{expected}#"]):
                wrong[typed] = said
    finally:
        process.kill()
        process.wait()
        os.close(terminal)
        os.close(its)
    assert wrong == {}
