"""What the commands on files share: which files are meant, and lines of progress."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

import pytest
from conftest import load_script

TOOL = load_script("tools/inference_commands.py")
FILES = load_script("tools/named_files.py")


def named_videos(paths):
    return FILES.meant_files(FILES.file_argument(os.fspath(path)) for path in paths)


def test_named_videos(tmp_path):
    """Files as they are, folders, and lists; each video once, in order."""
    (tmp_path / "below").mkdir()
    for name in ("b.mp4", "a.MKV", "below/c.ts", "notes.doc"):
        (tmp_path / name).touch()
    listed = tmp_path / "list.txt"
    lines = "a\u2028b.mp4\n\n  with space.mp4 \r\n"
    listed.write_bytes(b"caf\xe9.mp4\n" + lines.encode())
    odd = Path(os.fsdecode(b"caf\xe9.mp4"))
    paths = [tmp_path / "b.mp4", tmp_path, listed, Path("no suffix"), odd]
    assert named_videos(paths) == [
        *(tmp_path / name for name in ("b.mp4", "a.MKV", "below/c.ts")),
        *(odd, Path("a\u2028b.mp4"), Path("with space.mp4"), Path("no suffix")),
    ]


def test_patterns(tmp_path):
    """A quoted pattern is taken apart here; a file of that very name is that file."""
    (tmp_path / "below").mkdir()
    for name in ("b.mp4", "a.mp4", "below/c.mp4", "[x].mp4", "x.mp4"):
        (tmp_path / name).touch()
    found = {
        pattern: [path.name for path in named_videos([tmp_path / pattern])]
        for pattern in ("*.mp4", "**/c.mp4", "[x].mp4", "[ab].mp4")
    }
    assert found == {
        "*.mp4": ["[x].mp4", "a.mp4", "b.mp4", "x.mp4"],
        "**/c.mp4": ["c.mp4"],
        "[x].mp4": ["[x].mp4"],
        "[ab].mp4": ["a.mp4", "b.mp4"],
    }
    with pytest.raises(ValueError, match="no videos in"):
        named_videos([tmp_path / "*.mov"])


def test_where_a_result_belongs(monkeypatch, tmp_path):
    """A name for every file or folder, which the file system takes."""
    monkeypatch.chdir(tmp_path)
    for path, name in [
        ("films/a.b.mp4", "a.b.csv"),
        (".", f"{tmp_path.name}.csv"),
        ("/", ".csv"),
        (".hidden.mp4", ".hidden.csv"),
    ]:
        assert TOOL.default_out(Path(path), ".csv") == Path(name), path
    for letter in "x日":
        out = TOOL.default_out(Path(letter * 250), ".events.json")
        assert out.name.startswith(letter * 40) and len(os.fsencode(out)) <= 200


def test_nothing_named(tmp_path):
    empty, listed = tmp_path / "empty", tmp_path / "list.txt"
    empty.mkdir()
    listed.write_text("\n \n")
    for path in (empty, listed):
        with pytest.raises(ValueError, match=f"no videos in {path}"):
            named_videos([Path("a.mp4"), path])


def test_a_run_is_of_a_config_with_its_bases(tmp_path):
    base, config = tmp_path / "base.py", tmp_path / "own.py"
    weights = tmp_path / "weights.pth"
    config.write_text("_base_ = 'base.py'\n")
    weights.write_bytes(b"weights")
    args = Namespace(config=str(config), checkpoint=str(weights), hop=None)
    found = []
    for width in (3, 3, 4):
        base.write_text(f"model = dict(width={width})\n")
        found.append(TOOL.run_of(args))
    assert found[0] == found[1] != found[2]
    weights.write_bytes(b"others")
    assert TOOL.run_of(args) != found[2]


def test_a_log_gets_few_lines(capsys):
    with TOOL.progress_bar(total=500) as bar:
        for _ in range(500):
            bar.update(1)
    said = capsys.readouterr().err
    assert said.count("\r") <= 3 and said.endswith("\n") and "500/500" in said


def test_what_flags_repeat_is_what_they_are_of():
    """Modules that take long to import have these too."""
    from mmstconv.apis.detect import THRESHOLD
    from mmstconv.apis.summary.shots import ShotLimits
    from mmstconv.datasets.captions import CAPTION_FORMATS

    limits = load_script("tools/summarize.py")
    assert TOOL.THRESHOLD == THRESHOLD
    assert (limits.SHORTEST, limits.LONGEST) == ShotLimits()[:2]
    assert load_script("tools/data/list_words.py").FORMATS == sorted(CAPTION_FORMATS)
