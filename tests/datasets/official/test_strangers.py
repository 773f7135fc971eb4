"""Lists and files as others have them: written on Windows, converted, half there."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers_official import BUILDERS, film, put, text

from mmstconv.datasets import AnnotationError
from mmstconv.datasets.official import find_layout, read_layout
from mmstconv.datasets.official.sources import group_of


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film"))


def built(name: str, root: Path, target: Path) -> dict[str, set[str]]:
    """``{file without suffix: classes}`` of a generated data set."""
    expected = BUILDERS[name](root, target)
    return {
        file.rpartition(".")[0]: labels for (file, _), (labels, _) in expected.items()
    }


def read(name: str, root: Path) -> dict[str, set[str]]:
    layout = read_layout(root, name)
    return {
        sample.path.relative_to(root).with_suffix("").as_posix(): {
            layout.classes[label] for label in sample.labels
        }
        for sample in layout.samples
    }


def change_lists(root: Path, change) -> None:
    """Changes each line of the lists that name files."""
    for path in root.rglob("*"):
        if path.suffix in {".txt", ".csv"} and any(
            part in path.name for part in ("list", "split1", "Set")
        ):
            lines = path.read_text().splitlines()
            path.write_text("\n".join(map(change, lines)) + "\n")


#: What is done to each line of a list, and to which forms.
LINES = {
    "backslashes": (
        lambda line: line.replace("/", "\\"),
        {"ucf101", "moments_in_time"},
    ),
    "of Windows": (
        lambda line: "D:\\my data\\set\\" + line.replace("/", "\\"),
        {"hmdb51", "mmaction2", "moments_in_time"},
    ),
    "of another machine": (lambda line: f"/data/set/{line}", {"moments_in_time"}),
    "of this folder": (lambda line: f"./{line}", {"mmaction2", "moments_in_time"}),
    "tabs": (
        lambda line: "\t".join(line.rsplit(" ", 1)),
        {"ucf101", "hmdb51", "mmaction2"},
    ),
}


def test_paths_of_lists_as_other_machines_write_them(tmp_path, target):
    culprits = []
    for what, (change, forms) in LINES.items():
        for name in sorted(forms):
            root = tmp_path / what / name / "set"
            expected = built(name, root, target)
            change_lists(root, change)
            if read(name, root) != expected:
                culprits.append((what, name, read(name, root)))
    assert not culprits


def test_files_may_have_another_suffix_than_their_list(tmp_path, target):
    culprits = []
    for name in ("ucf101", "hmdb51", "kinetics", "moments_in_time", "mmaction2"):
        for suffix in (".webm", ".MKV"):
            root = tmp_path / f"{name}{suffix}"
            expected = built(name, root, target)
            for link in [path for path in root.rglob("*") if path.is_symlink()]:
                sound = link.relative_to(root).with_suffix(".wav")
                put(root, f"wav/{sound}", target)
                link.rename(link.with_suffix(suffix))
            if read(name, root) != expected:
                culprits.append((name, suffix, read(name, root)))
    assert not culprits


def test_a_list_with_folders_before_its_paths_takes_no_file_of_another_folder(
    tmp_path, target
):
    text(tmp_path, "train.txt", "run/a.mp4 0", "run/gone.mp4 0")
    text(tmp_path, "val.txt", "/data/clips_val/run/a.mp4 0")
    put(tmp_path, "clips_train/run/a.mp4", target)
    layout = read_layout(tmp_path, "mmaction2")
    assert [sample.split for sample in layout.samples] == ["train"]
    assert {line.rpartition(": ")[2] for line in layout.missing} == {
        "run/gone.mp4",
        "/data/clips_val/run/a.mp4",
    }


def test_a_list_of_frames_whose_first_folder_is_gone(tmp_path):
    text(tmp_path, "train.txt", "run/gone 2 0", "run/a 2 0", "swim/b 2 1")
    for folder in ("run/a", "swim/b"):
        text(tmp_path, f"rawframes/{folder}/img_00001.jpg", "")
    layout = find_layout(tmp_path)
    assert (layout.name, layout.of_frames) == ("mmaction2", True)
    assert [sample.path.name for sample in layout.samples] == ["a", "b"]
    assert len(layout.missing) == 1


TIMES = ("{}_{}", "{}-{}", "{}.0_{}.0", "{}.0-{}.0", "{}.000_{}.000", "{:06}_{:06}")


def test_parts_of_films_are_found_under_the_names_that_tools_give(tmp_path, target):
    rows = [f"run,aaaaaaaaaa{k},1{k},2{k},train" for k in range(len(TIMES))]
    rows.append("swim,bbbbbbbbbbb,7.6,17.6,train")
    text(tmp_path, "k.csv", "label,youtube_id,time_start,time_end,split", *rows)
    for k, form in enumerate(TIMES):
        name = f"aaaaaaaaaa{k}_{form.format(10 + k, 20 + k)}"
        put(tmp_path, f"clips/{name}.mp4", target)
        assert group_of(name) == f"aaaaaaaaaa{k}"
    put(tmp_path, "clips/bbbbbbbbbbb_000007_000017.mp4", target)
    layout = read_layout(tmp_path, "kinetics")
    assert not layout.missing
    assert {sample.segment for sample in layout.samples} == {None}


def test_frames_of_something_v2(tmp_path, target):
    BUILDERS["something_v2"](tmp_path, target)
    videos = sorted(tmp_path.rglob("*.webm"))
    text(tmp_path, f"frames/{videos[0].stem}/000001.jpg", "")
    videos[0].unlink()
    layout = find_layout(tmp_path)
    assert not layout.of_frames and len(layout.samples) == 2
    assert layout.notes == ("1 folders of frames were left out: the others are videos",)
    for video in videos[1:]:
        text(tmp_path, f"frames/{video.stem}/000001.jpg", "")
        video.unlink()
    layout = find_layout(tmp_path)
    assert layout.of_frames and len(layout.samples) == 3


def test_folders_of_one_class_written_in_two_ways_are_named(tmp_path, target):
    for name in ("train/playing guitar", "val/playing_guitar", "train/run", "val/run"):
        put(tmp_path, f"{name}/a.mp4", target)
    assert find_layout(tmp_path).notes == (
        "classes that differ in how their names are written alone (rename those that "
        "are one):\n  'playing guitar' and 'playing_guitar'",
    )


def test_actions_that_end_before_they_begin(tmp_path, target):
    """The release of Charades has seven; the class of the film counts all the same."""
    BUILDERS["charades_actions"](tmp_path, target)
    parts = read_layout(tmp_path, "charades_actions")
    path = tmp_path / "Charades/Charades_v1_train.csv"
    said = f"left out: 2; the first is {path}:4: 18 to 10 s"
    assert len(parts.notes) == 1 and said in parts.notes[0]
    assert not read_layout(tmp_path, "charades").notes


def test_clips_of_one_film_of_hmdb51_are_one_group_whatever_their_class():
    """Such as the release has them, with ten people in six of the names."""
    for name in (
        "Glory_fall_floor_u_cm_np1_ba_med_0",
        "Glory_ride_horse_f_nm_np10_fr_goo_12",
        "Glory_draw_sword_u_nm_np2_le_bad_1",
        "Glory_sword_h_cm_np1_ri_med_3",
    ):
        assert group_of(name) == "Glory"
    assert group_of("They_kick_kick_l_cm_np1_ba_med_0") == "They_kick"


def test_answers_of_the_test_of_something_v2(tmp_path, target):
    """The release of Qualcomm has them beside the ids."""
    BUILDERS["something_v2"](tmp_path, target)
    text(tmp_path, "labels/test-answers.csv", "1420;Putting something on something")
    layout = read_layout(tmp_path, "something_v2")
    labels = {s.path.stem: s.labels for s in layout.samples if s.split == "test"}
    assert labels == {"1420": (1,)}
    text(
        tmp_path,
        "labels/test-answers.csv",
        "1420;Nothing",
        "1421",
        "2;Holding something",
    )
    with pytest.raises(AnnotationError, match="csv:2: class '' is none of the 2"):
        read_layout(tmp_path, "something_v2")


def test_lists_and_class_names_as_trn_and_tsm_write_them(tmp_path):
    text(tmp_path, "category.txt", "Closing something", "Opening something")
    text(tmp_path, "train_videofolder.txt", "78687 1 1", "42326 1 0")
    text(tmp_path, "val_videofolder.txt", "74225 1 1")
    for folder in ("78687", "42326", "74225"):
        text(tmp_path, f"20bn-something-something-v2-frames/{folder}/000001.jpg", "")
    layout = find_layout(tmp_path)
    assert layout.classes == ["Closing something", "Opening something"]
    rows = {(s.path.name, s.labels, s.split, s.frames) for s in layout.samples}
    assert rows == {
        ("78687", (1,), "train", 1),
        ("42326", (0,), "train", 1),
        ("74225", (1,), "val", 1),
    }


def test_lists_that_name_nothing_of_the_folder_are_said(tmp_path, target):
    """Videos without their suffix, and frames that were not unpacked."""
    for name in ("run/a.mp4", "swim/b.mp4"):
        put(tmp_path, f"videos/{name}", target)
    text(tmp_path, "train.txt", "run/a 0", "swim/b 1")
    text(tmp_path, "notes_of_the_test.txt", "two clips of each")
    layout = find_layout(tmp_path)
    assert (layout.name, len(layout.samples)) == ("class_folders", 2)
    assert layout.notes == (
        "train.txt was passed: what its first lines name, such as 'run/a', is not "
        "there (a video has a suffix)",
    )
    text(tmp_path, "val.txt", "run/a.mp4 0", "swim/b.mp4 1")
    layout = find_layout(tmp_path)
    assert layout.name == "mmaction2" and "train.txt was passed" in layout.notes[0]
