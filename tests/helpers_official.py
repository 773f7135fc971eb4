"""Small data sets on disk, with lists in the syntax that they were published in.

Each builder writes lists and media below a folder and returns what is in them:
``{(file, segment): (labels by name, split)}``.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from helpers_media import write_coded

Expected = dict[tuple, tuple[set[str], str | None]]
SPLIT1 = {"train": ("g08", "g09"), "test": ("g01",)}


def film(folder: Path) -> Path:
    """One file of two seconds, which all samples are links to."""
    path = folder / "film.mp4"
    if not path.exists():
        write_coded(path, 50, 25, width=64, height=48)
    return path


def put(root: Path, name: str, target: Path) -> str:
    """A link of that name; returns the name."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(target, path)
    return name


def text(root: Path, name: str, *lines: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def ucf101(root: Path, target: Path) -> Expected:
    classes = ["ApplyEyeMakeup", "Archery", "YoYo"]
    text(
        root,
        "ucfTrainTestlist/classInd.txt",
        *(f"{k} {name}" for k, name in enumerate(classes, 1)),
    )
    expected: Expected = {}
    for split, groups in SPLIT1.items():
        lines = []
        for number, label in enumerate(classes, 1):
            for group in groups:
                name = f"{label}/v_{label}_{group}_c01.avi"
                file = put(root, f"UCF-101/{name}", target)
                lines.append(f"{name} {number}" if split == "train" else name)
                expected[file, None] = ({label}, split)
        text(root, f"ucfTrainTestlist/{split}list01.txt", *lines)
    return expected


def hmdb51(root: Path, target: Path) -> Expected:
    expected: Expected = {}
    for label in ("brush_hair", "cartwheel"):
        lines = []
        for flag, split in ((1, "train"), (2, "test"), (0, None)):
            name = f"Film{flag}_{label}_f_cm_np1_ba_bad_0.avi"
            file = put(root, f"videos/{label}/{name}", target)
            lines.append(f"{name} {flag} ")
            if split:
                expected[file, None] = ({label}, split)
        text(root, f"testTrainMulti_7030_splits/{label}_test_split1.txt", *lines)
    return expected


def kinetics(root: Path, target: Path) -> Expected:
    header = "label,youtube_id,time_start,time_end,split,is_cc"
    text(
        root,
        "annotations/train.csv",
        header,
        "abseiling,-aaaaaaaaaa,0,10,train,0",
        '"playing ""monopoly""",bbbbbbbbbbb,70,80,train,0',
        "zumba,gggggggggg0,1,11,train,1",
    )
    text(root, "annotations/val.csv", header, "abseiling,ccccccccccc,1,11,validate,0")
    text(
        root,
        "annotations/test.csv",
        "youtube_id,time_start,time_end,split",
        "ddddddddddd,5,15,test",
    )
    return {
        (put(root, "train/abseiling/-aaaaaaaaaa_000000_000010.mp4", target), None): (
            {"abseiling"},
            "train",
        ),
        (put(root, "train/bbbbbbbbbbb_000070_000080.mp4", target), None): (
            {'playing "monopoly"'},
            "train",
        ),
        (put(root, "val/ccccccccccc_000001_000011.mkv", target), None): (
            {"abseiling"},
            "val",
        ),
        (put(root, "test/ddddddddddd_000005_000015.mp4", target), None): (
            set(),
            "test",
        ),
    }


def something_v2(root: Path, target: Path) -> Expected:
    files = {
        "labels": {"Holding something": "0", "Putting something on something": "1"},
        "train": [
            {
                "id": "78687",
                "label": "holding potato",
                "template": "Holding [something]",
                "placeholders": ["potato"],
            }
        ],
        "validation": [
            {
                "id": "42326",
                "label": "putting a cup on a box",
                "template": "Putting [something] on [something]",
                "placeholders": ["a cup", "a box"],
            }
        ],
        "test": [{"id": "1420"}],
    }
    for part, content in files.items():
        text(root, f"labels/something-something-v2-{part}.json", json.dumps(content))
    video = "20bn-something-something-v2/{}.webm".format
    return {
        (put(root, video(78687), target), None): ({"Holding something"}, "train"),
        (put(root, video(42326), target), None): (
            {"Putting something on something"},
            "val",
        ),
        (put(root, video(1420), target), None): (set(), "test"),
    }


def something_v1(root: Path, target: Path) -> Expected:
    name = "something-something-v1-{}.csv".format
    text(root, name("labels"), "Holding something", "Unfolding something")
    text(root, name("train"), "100218;Unfolding something")
    text(root, name("validation"), "24413;Holding something")
    text(root, name("test"), "7")
    for number in (100218, 24413, 7):
        for image in (1, 2):
            text(root, f"20bn-something-something-v1/{number}/{image:05}.jpg", "")
    folder = "20bn-something-something-v1/{}".format
    return {
        (folder(100218), None): ({"Unfolding something"}, "train"),
        (folder(24413), None): ({"Holding something"}, "val"),
        (folder(7), None): (set(), "test"),
    }


CHARADES = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,"


def charades(root: Path, target: Path, by_action: bool = False) -> Expected:
    text(
        root,
        "Charades/Charades_v1_classes.txt",
        "c000 Holding some clothes",
        "c001 Putting clothes somewhere",
        "c002 Taking some clothes",
    )
    row = '{},HR43,Kitchen,6,7,Yes,"A person, cooking.",food;stove,He cooks.,{},24.83'
    text(
        root,
        "Charades/Charades_v1_train.csv",
        f"{CHARADES}actions,length",
        row.format("46GP8", "c001 0.00 1.50;c000 0.50 2.00"),
        row.format("N11GT", ""),
        # as the release has it of 00SL4: seven actions end before they begin
        row.format("00SL4", "c001 18.00 10.00;c000 0.00 2.00;c000 1.00 1.00"),
    )
    text(
        root,
        "Charades/Charades_v1_test.csv",
        f"{CHARADES}actions,length",
        row.format("YSKX3", "c002 0.10 0.90"),
    )
    files = [
        put(root, f"Charades_v1_480/{name}.mp4", target)
        for name in ("46GP8", "N11GT", "YSKX3", "00SL4")
    ]
    holding, putting, taking = (
        "Holding some clothes",
        "Putting clothes somewhere",
        "Taking some clothes",
    )
    if by_action:
        return {
            (files[0], (0.0, 1.5)): ({putting}, "train"),
            (files[0], (0.5, 2.0)): ({holding}, "train"),
            (files[3], (0.0, 2.0)): ({holding}, "train"),
            (files[2], (0.1, 0.9)): ({taking}, "test"),
        }
    return {
        (files[0], None): ({holding, putting}, "train"),
        (files[1], None): (set(), "train"),
        (files[3], None): ({holding, putting}, "train"),
        (files[2], None): ({taking}, "test"),
    }


def charades_actions(root: Path, target: Path) -> Expected:
    return charades(root, target, by_action=True)


def audioset(root: Path, target: Path) -> Expected:
    text(
        root,
        "class_labels_indices.csv",
        "index,mid,display_name",
        '0,/m/09x0r,"Speech"',
        '1,/m/05zppz,"Male speech, man speaking"',
        '2,/t/dd00088,"Gush"',
    )
    comments = (
        "# Segments csv created Sun Mar  5 10:54:31 2017",
        "# num_ytids=2, num_segs=2, num_unique_labels=3, num_positive_labels=4",
        "# YTID, start_seconds, end_seconds, positive_labels",
    )
    text(
        root,
        "balanced_train_segments.csv",
        *comments,
        '--PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"',
        '--ZhevVpy1s, 50.000, 60.000, "/m/05zppz"',
    )
    text(
        root,
        "eval_segments.csv",
        *comments,
        '--4gqARaEJE, 0.000, 10.000, "/m/09x0r"',
    )
    return {
        (put(root, "audio/--PJHxphWEs_30000_40000.mp4", target), None): (
            {"Speech", "Gush"},
            "train",
        ),
        (put(root, "audio/Y--ZhevVpy1s.mp4", target), None): (
            {"Male speech, man speaking"},
            "train",
        ),
        (put(root, "eval/--4gqARaEJE_000000.mp4", target), None): (
            {"Speech"},
            "test",
        ),
    }


def vggsound(root: Path, target: Path) -> Expected:
    text(
        root,
        "vggsound.csv",
        "---g-f_I2yQ,1,people marching,test",
        '--0PQM4-hqg,30,"engine accelerating, revving, vroom",train',
    )
    return {
        (put(root, "video/---g-f_I2yQ_000001.mp4", target), None): (
            {"people marching"},
            "test",
        ),
        (put(root, "video/--0PQM4-hqg_000030.mp4", target), None): (
            {"engine accelerating, revving, vroom"},
            "train",
        ),
    }


def ave(root: Path, target: Path) -> Expected:
    bell, horn = "Church bell&RUhOCu3LNXM&good&0&1", "Truck&-5N5iNk1Y7o&good&1&2"
    both = "Truck&RUhOCu3LNXM&good&1&2"
    text(
        root,
        "AVE_Dataset/Annotations.txt",
        "Category&VideoID&Quality&StartTime&EndTime",
        *(bell, horn, both),
    )
    text(root, "AVE_Dataset/trainSet.txt", bell)
    text(root, "AVE_Dataset/valSet.txt", horn)
    text(root, "AVE_Dataset/testSet.txt", both)
    first = put(root, "AVE_Dataset/AVE/RUhOCu3LNXM.mp4", target)
    second = put(root, "AVE_Dataset/AVE/-5N5iNk1Y7o.mp4", target)
    return {
        (first, (0.0, 1.0)): ({"Church bell"}, "train"),
        (second, (1.0, 2.0)): ({"Truck"}, "val"),
        (first, (1.0, 2.0)): ({"Truck"}, "test"),
    }


EPIC = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,"
    "stop_timestamp,start_frame,stop_frame,narration,verb,verb_class,noun,noun_class,"
    "all_nouns,all_noun_classes"
)


def epic_kitchens_action(root: Path, target: Path) -> Expected:
    for part, keys in (("verb", ("take", "put")), ("noun", ("tap", "knife"))):
        rows = [f"{k},{key},\"['{key}', 'x']\",cat" for k, key in enumerate(keys)]
        text(
            root, f"ann/EPIC_100_{part}_classes.csv", "id,key,instances,category", *rows
        )
    text(
        root,
        "ann/EPIC_100_train.csv",
        EPIC,
        "P01_01_0,P01,P01_01,00:00:01.089,00:00:00.14,00:00:01.37,8,82,put tap,put,1,"
        "tap,0,['tap'],[0]",
        "P01_01_1,P01,P01_01,00:00:01.089,00:00:01.00,00:00:01.90,8,82,take knife,"
        "take,0,knife,1,['knife'],[1]",
    )
    text(
        root,
        "ann/EPIC_100_validation.csv",
        EPIC,
        "P01_11_0,P01,P01_11,00:00:01.089,00:00:00.00,00:00:02.00,8,82,put tap,put,1,"
        "tap,0,['tap'],[0]",
    )
    one = put(root, "EPIC-KITCHENS/P01/videos/P01_01.MP4", target)
    other = put(root, "EPIC-KITCHENS/P01/videos/P01_11.MP4", target)
    return {
        (one, (0.14, 1.37)): ({"put tap"}, "train"),
        (one, (1.0, 1.9)): ({"take knife"}, "train"),
        (other, (0.0, 2.0)): ({"put tap"}, "val"),
    }


def moments_in_time(root: Path, target: Path) -> Expected:
    text(root, "moments_categories.txt", "blocking,0", "adult+female+singing,1")
    text(root, "trainingSet.csv", "blocking/a_4.mp4,blocking,3,1")
    text(
        root,
        "validationSet.csv",
        "adult+female+singing/b_1.mp4,adult+female+singing,2,0",
    )
    return {
        (put(root, "training/blocking/a_4.mp4", target), None): (
            {"blocking"},
            "train",
        ),
        (put(root, "validation/adult+female+singing/b_1.mp4", target), None): (
            {"adult+female+singing"},
            "val",
        ),
    }


def mmaction2(root: Path, target: Path) -> Expected:
    text(root, "annotations/label_map.txt", "run", "swim", "jump in water")
    text(root, "set_train_list_videos.txt", "run/a b.mp4 0", "swim/c.mp4 1 2")
    text(root, "set_val_list_videos.txt", "c.mp4 1")
    return {
        (put(root, "videos_train/run/a b.mp4", target), None): ({"run"}, "train"),
        (put(root, "videos_train/swim/c.mp4", target), None): (
            {"swim", "jump in water"},
            "train",
        ),
        (put(root, "videos_val/c.mp4", target), None): ({"swim"}, "val"),
    }


def class_folders(root: Path, target: Path) -> Expected:
    return {
        (put(root, "data/train/run/a.mp4", target), None): ({"run"}, "train"),
        (put(root, "data/train/swim/pool 1/b.AVI", target), None): ({"swim"}, "train"),
        (put(root, "data/val/run/a.mp4", target), None): ({"run"}, "val"),
    }


BUILDERS = {
    builder.__name__: builder
    for builder in (
        *(ucf101, hmdb51, kinetics, something_v2, something_v1, charades),
        *(charades_actions, audioset, vggsound, ave, epic_kitchens_action),
        *(moments_in_time, mmaction2, class_folders),
    )
}
