"""Generated data sets in their published form, read back and compared."""

from __future__ import annotations

import os
from itertools import product

import pytest
from helpers_official import BUILDERS, film, put, text, ucf101

from mmstconv.datasets import AnnotationError
from mmstconv.datasets.official import FORMS, find_layout, read_layout, write_lists


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film"))


def found(layout, root):
    return {
        (sample.path.relative_to(root).as_posix(), sample.segment): (
            {layout.classes[label] for label in sample.labels},
            sample.split,
        )
        for sample in layout.samples
    }


def test_each_form_is_read_as_it_was_written(tmp_path, target):
    culprits = []
    for name, build in BUILDERS.items():
        root = tmp_path / name
        expected = build(root, target)
        layout = read_layout(root, name)
        if found(layout, root) != expected:
            culprits.append((name, found(layout, root), expected))
        if len(layout.samples) != len(expected):
            culprits.append((name, "samples twice"))
        recognised = find_layout(root).name
        if recognised.split("_")[0] != name.split("_")[0]:
            culprits.append((name, recognised))
    assert not culprits


def test_every_form_has_a_generated_tree():
    same = {"epic_kitchens_verb", "epic_kitchens_noun", "class_folders_of_frames"}
    splits = {f"{name}_split{k}" for name in ("ucf101", "hmdb51") for k in (2, 3)}
    assert set(FORMS) - same - splits == set(BUILDERS)


def test_byte_order_mark_and_windows_lines_change_nothing(tmp_path, target):
    culprits = []
    for name, build in BUILDERS.items():
        root = tmp_path / name
        expected = build(root, target)
        for folder, _, files in os.walk(root):
            for file in files:
                path = os.path.join(folder, file)
                if file.endswith((".txt", ".csv", ".json")):
                    content = open(path, "rb").read().replace(b"\n", b"\r\n")
                    open(path, "wb").write(b"\xef\xbb\xbf" + content)
        if found(read_layout(root, name), root) != expected:
            culprits.append(name)
    assert not culprits


def test_files_that_are_gone_are_named_and_none_at_all_is_an_error(tmp_path, target):
    culprits = []
    for (name, build), last in product(BUILDERS.items(), (False, True)):
        if name in ("class_folders", "something_v1"):
            continue  # no list names files; folders of frames
        root = tmp_path / f"{name}{last}"
        expected = build(root, target)
        files = sorted({file for file, _ in expected}, reverse=last)
        links = [root / file for file in files]
        links[0].unlink()
        gone = [key for key in expected if root / key[0] == links[0]]
        layout = read_layout(root, name)
        known = 1 if name == "kinetics" else 0  # that of the builder
        missing = len(layout.missing) - known
        if len(layout.samples) != len(expected) - len(gone) or missing != len(gone):
            culprits.append((name, layout.missing))
        for link in links[1:]:
            link.unlink()
        try:
            read_layout(root, name)
        except FileNotFoundError as error:
            if "none of the" not in str(error):
                culprits.append((name, error))
        else:
            culprits.append((name, "no error"))
    assert not culprits


#: A file of each form, a line to add, and what the message must say of it.
FAULTS = {
    "ucf101": [
        (
            "ucfTrainTestlist/trainlist01.txt",
            "Run/v_Run_g01_c01.avi 1",
            "none of the 3",
        ),
        ("ucfTrainTestlist/trainlist01.txt", "YoYo/v_YoYo_g02_c01.avi 2", "expected 3"),
        ("ucfTrainTestlist/testlist01.txt", "YoYo/v_YoYo_g01_c01.avi", "already"),
        ("ucfTrainTestlist/testlist01.txt", "video.avi", "expected CLASS/VIDEO"),
    ],
    "hmdb51": [
        (
            "testTrainMulti_7030_splits/cartwheel_test_split1.txt",
            "x.avi 3",
            "0, 1 or 2",
        ),
        (
            "testTrainMulti_7030_splits/cartwheel_test_split1.txt",
            "Film1_cartwheel_f_cm_np1_ba_bad_0.avi 2",
            "already",
        ),
    ],
    "kinetics": [
        ("annotations/train.csv", "zumba,x,ten,20,train,0", "not times"),
        ("annotations/train.csv", "zumba,x,20,10,train,0", "end after"),
        ("annotations/train.csv", "zumba,x,1,11,training2,0", "split"),
        ("annotations/train.csv", ",xxxxxxxxxxx,1,11,train,0", "no label"),
        ("annotations/val.csv", "abseiling,ccccccccccc,1,11,validate,0", "already"),
        ("annotations/val.csv", "abseiling,c", "columns"),
    ],
    "something_v1": [
        ("something-something-v1-train.csv", "5;Unknown", "none of the 2"),
        ("something-something-v1-train.csv", "100218;Holding something", "already"),
    ],
    "charades": [
        ("Charades/Charades_v1_classes.txt", "Holding", "expected 'c000 name'"),
        ("Charades/Charades_v1_classes.txt", "c000 Other", "already"),
        ("Charades/Charades_v1_classes.txt", "c007 Other", "numbered from 0"),
        (
            "Charades/Charades_v1_train.csv",
            "X,,,,,,,,,c009 0 1;c000 2 1;c000 a,",
            "c009 is none of",
        ),
        ("Charades/Charades_v1_train.csv", "X,,,,,,,,,c000 -1 1,", "0 or later"),
        ("Charades/Charades_v1_train.csv", "X,,,,,,,,,c000 1 x,", "not times"),
    ],
    "audioset": [
        ("eval_segments.csv", 'x, 0.000, 10.000, "/m/nothing"', "none of the 3"),
        ("eval_segments.csv", "x, 0.000, 10.000", "expected YTID"),
        ("eval_segments.csv", 'x, 10.000, 0.000, "/m/09x0r"', "end after"),
        ("eval_segments.csv", '--4gqARaEJE, 0.000, 10.000, "/m/09x0r"', "already"),
    ],
    "vggsound": [
        ("vggsound.csv", "x,one,people marching,test", "not times"),
        ("vggsound.csv", "x,1,people marching,tset", "neither train nor test"),
        ("vggsound.csv", "x,1,people marching, a lot,test", "expected"),
    ],
    "ave": [
        ("AVE_Dataset/trainSet.txt", "Church bell&x&good&0", "expected Category"),
        ("AVE_Dataset/trainSet.txt", "Dog&RUhOCu3LNXM&good&0&1", "none of the 2"),
        ("AVE_Dataset/trainSet.txt", "Truck&other&good&0&1", "not in Annotations"),
    ],
    "epic_kitchens_action": [
        (
            "ann/EPIC_100_train.csv",
            "P01_01_2,P01,P01_01,0,0:0,00:00:01.37,8,82,n,put,1,tap,0,[],[]",
            "hh:mm:ss.ff",
        ),
        (
            "ann/EPIC_100_train.csv",
            "P01_01_3,P01,P01_01,0,00:00:00.14,00:00:01.37,8,82,n,put,9,tap,0,[],[]",
            "verb_class '9'",
        ),
    ],
    "moments_in_time": [
        ("trainingSet.csv", "x/a.mp4,x,1,2", "none of the 2"),
        ("trainingSet.csv", "blocking/a_4.mp4,blocking,3,1", "already"),
        ("trainingSet.csv", "blocking/c.mp4,blocking,many,1", "expected"),
    ],
    "mmaction2": [
        ("set_val_list_videos.txt", "d.mp4 3", "outside the 3 classes"),
        ("set_val_list_videos.txt", "c.mp4 2", "already"),
        ("set_val_list_videos.txt", "d.mp4", "has no label"),
    ],
}


def test_faults_are_named_with_file_and_line(tmp_path, target):
    culprits = []
    for name, faults in FAULTS.items():
        for number, (file, line, reason) in enumerate(faults):
            root = tmp_path / f"{name}{number}"
            BUILDERS[name](root, target)
            path = root / file
            at = path.read_text().count("\n") + 1
            with path.open("a") as opened:
                opened.write(line + "\n")
            try:
                read_layout(root, name)
            except AnnotationError as error:
                says = str(error)
                placed = f"{path}:{at}: " in says or "numbered from" in says
                if not placed or reason not in says:
                    culprits.append((name, line, says))
            else:
                culprits.append((name, line, "no error"))
    assert not culprits


def test_all_mistakes_at_once_and_mend_leaves_repetitions_out(tmp_path, target):
    ucf101(tmp_path, target)
    path = tmp_path / "ucfTrainTestlist/trainlist01.txt"
    lines = path.read_text().splitlines()
    text(tmp_path, "ucfTrainTestlist/trainlist01.txt", *lines, "nothing", lines[0])
    with pytest.raises(AnnotationError) as caught:
        read_layout(tmp_path, "ucf101")
    assert len(caught.value.problems) == 2
    text(tmp_path, "ucfTrainTestlist/trainlist01.txt", *lines, lines[0])
    layout = read_layout(tmp_path, "ucf101", mend=True)
    assert len(layout.samples) == 9
    assert "1 lines repeat" in layout.notes[0]


def test_faults_of_json(tmp_path, target):
    path = "labels/something-something-v2-train.json"
    for content, reason in {
        '[{"id": "1", "template": "Eating [something]"}, {"id": "2"}, 3]': "3 problems",
        '{"id": "1"}': "must be a list",
        "[": "is not JSON",
    }.items():
        root = tmp_path / str(len(content))
        BUILDERS["something_v2"](root, target)
        text(root, path, content)
        with pytest.raises(AnnotationError) as caught:
            read_layout(root, "something_v2")
        if reason == "3 problems":
            assert len(caught.value.problems) == 3
        else:
            assert reason in str(caught.value)


def test_of_several_lists_of_a_split_the_shortest_name_is_read(tmp_path, target):
    expected = BUILDERS["mmaction2"](tmp_path, target)
    text(tmp_path, "set_train_list_videos_half.txt", "swim/c.mp4 1")
    layout = find_layout(tmp_path)
    assert found(layout, tmp_path) == expected
    assert "set_train_list_videos_half.txt was passed" in layout.notes[0]


def test_paths_of_lists_as_people_write_them(tmp_path, target):
    """Absolute, through a link, from here, and from Windows."""
    (tmp_path / "disk").mkdir()
    root = tmp_path / "data"
    root.symlink_to("disk")
    for name in "abcd":
        put(root, f"videos/{name} 1.mp4", target)
    names = (
        *(f"{root}/videos/a 1.mp4", f"{tmp_path}/disk/videos/b 1.mp4"),
        *("./videos/c 1.mp4", "videos\\d 1.mp4"),
    )
    text(root, "train.txt", *(f"{name} {n % 2}" for n, name in enumerate(names)))
    layout = find_layout(root)
    assert [sample.path.name for sample in layout.samples] == [
        f"{name} 1.mp4" for name in "abcd"
    ]
    assert not layout.missing


def test_names_of_forms(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'kinetics'"):
        read_layout(tmp_path, "kinetcs")
    with pytest.raises(ValueError, match="expected vggsound"):
        read_layout(tmp_path, "vggsound")
    with pytest.raises(NotADirectoryError, match="is not a folder"):
        read_layout(tmp_path / "none", "ave")
    assert find_layout(tmp_path) is None


def test_groups_and_whole_films(tmp_path, target):
    ucf101(tmp_path / "ucf", target)
    groups = {s.group for s in find_layout(tmp_path / "ucf").samples}
    assert {"Archery_g01", "YoYo_g08"} <= groups
    root = tmp_path / "vgg"  # the film lasts 2 s: as whole, its part begins at 1
    text(root, "vggsound.csv", "aaaaaaaaaaa,0,marching,train", "b,1,bell,test")
    put(root, "aaaaaaaaaaa.mp4", target)
    assert find_layout(root).samples[0].segment == (0.0, 10.0)
    assert find_layout(root).missing == (f"{root}/vggsound.csv:2: b 1 to 11 s",)


def test_extracted_flow_and_sound_are_found(tmp_path, target):
    put(tmp_path, "videos/run/a.mp4", target)
    put(tmp_path, "videos/swim/b.mp4", target)
    for label, name in (("run", "a"), ("swim", "b")):
        text(tmp_path, f"sound/{label}/{name}.npy", "")
        for axis in "xy":
            text(tmp_path, f"flow/{name}/flow_{axis}_00001.jpg", "")
    layout = find_layout(tmp_path / ".")
    assert dict(layout.extracted) == {
        "audio": f"{tmp_path}/sound/{{parent}}/{{stem}}.npy",
        "flow": f"{tmp_path}/flow/{{stem}}",
    }


def test_frames_in_folders_of_classes(tmp_path):
    for name in ("run/a", "run/b", "swim/c"):
        for kind in ("img", "flow_x", "flow_y"):
            text(tmp_path, f"rawframes/{name}/{kind}_00001.jpg", "")
    layout = find_layout(tmp_path)
    assert layout.name == "class_folders_of_frames" and layout.of_frames
    assert found(layout, tmp_path) == {
        ("rawframes/run/a", None): ({"run"}, None),
        ("rawframes/run/b", None): ({"run"}, None),
        ("rawframes/swim/c", None): ({"swim"}, None),
    }
    assert [modality for modality, _ in layout.extracted] == ["flow"]


def test_lists_that_are_written_are_read_by_the_data_sets(tmp_path, target):
    from mmaction.registry import DATASETS
    from mmengine.registry import init_default_scope

    init_default_scope("mmaction")
    culprits = []
    for name, build in BUILDERS.items():
        root, out = tmp_path / name, tmp_path / "lists" / name
        expected = build(root, target)
        layout = read_layout(root, name)
        written = write_lists(layout, root, out)
        read = {}
        for split, path in written.files.items():
            dataset = DATASETS.build(
                dict(written.dataset, ann_file=str(path), pipeline=[])
            )
            assert list(dataset.metainfo["classes"]) == layout.classes
            for k in range(len(dataset)):
                info = dataset.get_data_info(k)
                names = {layout.classes[one] for one in dataset.get_cat_ids(k)}
                file = os.path.relpath(info["filename"], root)
                key = (file, info.get("segment"))
                read[key] = (names, None if split == "all" else split)
        if read != expected:
            culprits.append((name, read, expected))
    assert not culprits
