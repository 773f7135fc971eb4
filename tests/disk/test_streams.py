"""Commands whose output is closed, full, or not read on; in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BEGIN = """
import os, sys
from mmstconv.disk import print_any_name
print_any_name({how})
print_any_name({how})
"""
ENDLESS = "for number in range(100000): print(number)"
SHORT = "print('one line, which is written at the end')"


def end_of(code, redirected, how="", **variables):
    """Exit code and messages of a program whose streams a shell redirects."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONUNBUFFERED"}
    command = 'code="$0"; ' + f'"{sys.executable}" -c "$code" {redirected}'
    done = subprocess.run(
        ["bash", "-c", command, BEGIN.format(how=how) + code],
        env={**environment, **variables},
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_is_not_read_on_ends_without_a_message(unbuffered):
    kept = dict(PYTHONUNBUFFERED=unbuffered)
    wait = "import logging, time; time.sleep(0.1)\n"  # until nobody reads
    for code in (ENDLESS, wait + SHORT):
        for stream in ("| true", "2>&1 | true"):
            found = end_of(code, f"{stream}; exit ${{PIPESTATUS[0]}}", **kept)
            assert found[1] == "" and found[0] in (0, 141), (code, stream, found)
    found = end_of(ENDLESS, "| true; exit ${PIPESTATUS[0]}", **kept)
    assert found == (141, "")
    # what is to be done at the end is done
    code = f"try:\n    {ENDLESS}\nfinally:\n    print('done', file=sys.stderr)"
    assert end_of(code, "| true; exit ${PIPESTATUS[0]}", **kept) == (141, "done\n")


def test_a_training_goes_on():
    code = f"{ENDLESS}\nprint('done', file=sys.stderr)"
    for out in ("| true; exit ${PIPESTATUS[0]}", "> /dev/full"):
        assert end_of(code, out, how="goes_on=True") == (0, "done\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_no_room_is_one_line():
    message = "stdout: No space left on device\n"
    for code in (ENDLESS, SHORT, f"import logging\n{SHORT}"):
        for unbuffered in ("", "1"):
            found = end_of(code, "> /dev/full", PYTHONUNBUFFERED=unbuffered)
            assert found == (1, message), code


def test_closed(tmp_path):
    """The user's file does not get what libraries write by number."""
    path = tmp_path / "file"
    code = f"""
file = open({str(path)!r}, "w")
for number in (1, 2):
    try:
        os.write(number, b"of a library")
    except OSError:
        pass
print("lost")
print("lost", file=sys.stderr, flush=True)
sys.stdout.isatty(), sys.stderr.isatty()
"""
    for closed in (">&-", "2>&-", ">&- 2>&-"):
        code_of, said = end_of(code, closed)
        assert code_of == 0 and "Traceback" not in said, closed
        assert path.read_bytes() == b"", closed
