"""Videos are told by their names, in all folders but hidden and unwanted ones."""

from __future__ import annotations

from mmstconv.media.video_files import videos_below


def test_videos_below(tmp_path):
    names = "z.mp4 a/b.MKV a/c.txt a/.hidden.mp4 .git/d.mp4 out/e.mp4 out/f/g.avi mp4"
    for name in names.split():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.mp4").mkdir()  # no file, whatever its name
    (tmp_path / "folder.mp4" / "h.webm").touch()

    def found(**options):
        below = videos_below(tmp_path, **options)
        return [path.relative_to(tmp_path).as_posix() for path in below]

    expected = ["a/b.MKV", "folder.mp4/h.webm", "out/e.mp4", "out/f/g.avi", "z.mp4"]
    assert found() == expected
    assert found(skip=lambda folder: folder.name == "out") == [
        name for name in expected if "out" not in name
    ]
    assert videos_below(tmp_path / "none") == []


def test_links_to_folders_are_followed_once(tmp_path):
    """Classes may lie on several disks; a link may lead back."""
    (tmp_path / "disk/run").mkdir(parents=True)
    (tmp_path / "disk/run/a.mp4").touch()
    (tmp_path / "disk/run/back").symlink_to(tmp_path / "videos")
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos/run").symlink_to(tmp_path / "disk/run")
    (tmp_path / "videos/nowhere").symlink_to("nothing")
    assert videos_below(tmp_path / "videos") == [tmp_path / "videos/run/a.mp4"]
