"""Readers of event annotations: what each format says, and every mistake in it."""

from __future__ import annotations

import json

import pytest

from mmstconv.datasets import AnnotationError
from mmstconv.datasets.events import EVENT_FORMATS, read_events
from mmstconv.datasets.events.annotation import parse_events

ACTIVITYNET = {
    "version": "VERSION 1.3",
    "database": {
        "QOlSCBRmfWY": {
            "subset": "training",
            "duration": 82.73,
            "annotations": [
                {"segment": [6.2, 19.4], "label": "Ballet"},
                {"segment": [10, 30.5], "label": "Archery"},
            ],
        },
        "0002": {"subset": "validation", "duration": 9, "annotations": []},
        "v_x": {
            "subset": "testing",
            "duration": 20.0,
            "annotations": [{"segment": [0, 20], "label": "Zumba"}],
        },
    },
}
EPIC = (
    "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,"
    "stop_timestamp,start_frame,stop_frame,narration,verb,verb_class,noun,noun_class\n"
)
AVE = "Category&VideoID&Quality&StartTime&EndTime\n"


def write(folder, text, name="events.json"):
    path = folder / name
    text = text if isinstance(text, (str, bytes)) else json.dumps(text)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def shape_of(found):
    """``[(id, duration, [(start, end, label)])]``."""
    return [(f.id, f.duration, [e[:3] for e in f.events]) for f in found.films]


def problems_of(path, *args, **kwargs):
    """Reasons, without the file's name before them."""
    with pytest.raises(AnnotationError) as caught:
        read_events(path, *args, **kwargs)
    return [line.replace(path, "FILE") for line in caught.value.problems]


# ------------------------------------------------------------ what the formats say


def test_activitynet(tmp_path):
    path = write(tmp_path, ACTIVITYNET)
    found = read_events(path)
    assert shape_of(found) == [
        ("QOlSCBRmfWY", 82.73, [(6.2, 19.4, "Ballet"), (10, 30.5, "Archery")]),
        ("0002", 9, []),
        ("v_x", 20, [(0, 20, "Zumba")]),
    ]
    assert found.classes == ["Archery", "Ballet", "Zumba"] and not found.instants
    part = read_events(path, subset="validation")
    assert shape_of(part) == [("0002", 9, [])]
    assert part.classes == found.classes  # the same numbers in every subset
    both = read_events(path, "thumos14", subset=["training", "validation"])
    assert [film.id for film in both.films] == ["QOlSCBRmfWY", "0002"]


def test_times_as_texts(tmp_path):
    """So is every time of the ``thumos_gt.json`` that G-TAD and AFSD bring."""
    event = {"segment": ["18.6", "24.8"], "label": "HighJump"}
    entry = {"subset": "test", "annotations": [event]}
    found = read_events(write(tmp_path, {"database": {"a": entry}}), "thumos14")
    assert shape_of(found) == [("a", None, [(18.6, 24.8, "HighJump")])]


@pytest.mark.parametrize(("format", "first"), [("multithumos", 1), ("charades", 0)])
def test_actions_that_are_numbers(tmp_path, format, first):
    def film(subset, *actions):
        return {"subset": subset, "duration": 9.5, "actions": list(actions)}

    films = {"a": film("training", [first + 2, 0.5, 2], [first, 1.0, 9.0])}
    films |= {"b": film("testing"), "c": film("training", [first, 5.0, 4.0])}
    path = write(tmp_path, films)
    assert problems_of(path, format) == [
        "FILE: c: actions[0]: 5 to 4 s: ends before it starts; mend=True leaves it out"
    ]
    found = read_events(path, format, mend=True)
    assert shape_of(found) == [
        ("a", 9.5, [(0.5, 2, 2), (1, 9, 0)]),
        ("b", 9.5, []),
    ]
    assert found.classes == ["0", "1", "2"]
    assert [f.id for f in read_events(path, format, subset="testing").films] == ["b"]
    films = {"a": film("training", [first - 1, 0, 2], [1.5, 0, 2], [1, 2], "x"), "b": 3}
    lowest = f"the class must be a whole number from {first} on"
    assert problems_of(write(tmp_path, films), format) == [
        f"FILE: a: actions[0]: {lowest}",
        f"FILE: a: actions[1]: {lowest}",
        "FILE: a: actions[2]: must be [class, start, end], got '[1, 2]'",
        "FILE: a: actions[3]: must be [class, start, end], got 'x'",
        "FILE: b: 'duration' must be a number, got nothing",
        "FILE: b: 'actions' must be a list, got nothing",
    ]
    assert "by id" in problems_of(write(tmp_path, []), format)[0]
    films = {"a": dict(film("training"), duration=0)}
    assert problems_of(write(tmp_path, films), format)[0] == (
        "FILE: a: 'duration' must be positive, got 0"
    )


def test_unav100_orders_classes_by_their_numbers(tmp_path):
    def event(number, label):
        return {"segment": [1, 2.5], "label": label, "label_id": number}

    entry = {"subset": "test", "duration": 60, "annotations": []}
    entry["annotations"] = [event(1, "barking"), event(0, "rapping")]
    path = write(tmp_path, {"database": {"a": entry}})
    assert read_events(path, "unav100").classes == ["rapping", "barking"]
    entry["annotations"] += [
        dict(event(0, "barking"), segment=[3, 4]),
        dict(event("2", "x"), segment=[4, 5]),
    ]
    path = write(tmp_path, {"database": {"a": entry}})
    assert problems_of(path, "unav100", classes=["rapping", "barking", "x"]) == [
        "FILE: a: annotations[2]: 'label_id' 0 is of 'rapping' elsewhere",
        "FILE: a: annotations[3]: 'label_id' must be an integer, got '2'",
    ]


def test_mmaction2_keeps_ids_whole(tmp_path):
    entry = {
        "duration_second": 211.53,
        "duration_frame": 6337,
        "annotations": [{"segment": [30.0, 205.2], "label": "Rock climbing"}],
        "feature_frame": 6336,
        "fps": 30.0,
        "rfps": 29.96,
    }
    path = write(tmp_path, {"v_--1DO2V4K74": entry})
    found = read_events(path, "mmaction2")
    assert shape_of(found) == [
        ("v_--1DO2V4K74", 211.53, [(30, 205.2, "Rock climbing")])
    ]
    assert problems_of(write(tmp_path, ACTIVITYNET), "mmaction2")
    with pytest.raises(ValueError, match="has no subsets"):
        read_events(write(tmp_path, {"v_a": entry}), "mmaction2", subset="training")


def test_epic_kitchens(tmp_path):
    rows = (
        "P01_11_0,P01,P01_11,00:00:00.560,00:00:00.00,00:00:01.89,1,113,take plate,"
        "take,0,plate,2\n"
        'P01_11_1,P01,P01_11,00:00:02.1,00:01:02.5,01:00:00.25,3751,9,"put it, there",'
        "put-on,1,shelf,4\n"
    )
    path = write(tmp_path, EPIC + rows.replace("3751,9", "3751,216015"), "epic.csv")
    verbs = read_events(path, "epic_kitchens")
    assert shape_of(verbs) == [
        ("P01_11", None, [(0, 1.89, 0), (62.5, 3600.25, 1)]),
    ]
    nouns = read_events(path, "epic_kitchens", options=dict(label="noun"))
    assert [event.label for event in nouns.films[0].events] == [2, 4]
    assert nouns.classes == ["0", "1", "2", "3", "4"]
    wrong = EPIC + rows.replace("00:00:01.89,1", "1:89,0").replace(",1,shelf", ",x,s")
    assert problems_of(write(tmp_path, wrong, "wrong.csv"), "epic_kitchens") == [
        "FILE:2: start_frame is 0, frames count from 1",
        "FILE:2: stop_timestamp '1:89' is not a time hh:mm:ss.ff",
        "FILE:3: stop_frame is before start_frame",
        "FILE:3: verb_class 'x' is not a whole number",
    ]
    assert problems_of(
        path, "epic_kitchens", options=dict(label="noun"), classes=["a", "b", "c"]
    ) == ["FILE:3: label 4 is outside the 3 classes (0 to 2)"]


def test_epic_sounds(tmp_path):
    text = (
        "annotation_id,participant_id,video_id,start_timestamp,stop_timestamp,"
        "start_sample,stop_sample,description,class,class_id\n"
        "P01_01_0,P01,P01_01,00:00:02.466,00:00:05.315,59184,127560,water,water,1\n"
        "P01_01_1,P01,P01_01,00:00:06.0,00:00:07.0,144000,168000,rustle,rustle,0\n"
    )
    found = read_events(write(tmp_path, text, "sounds.csv"), "epic_sounds")
    assert shape_of(found) == [("P01_01", None, [(2.466, 5.315, 1), (6, 7, 0)])]
    assert found.classes == ["rustle", "water"]


def test_ave(tmp_path):
    rows = "Church bell&RUhOCu3LNXM&good&0&10\nMale speech&-abc&good&2&7\n"
    expected = [
        ("RUhOCu3LNXM", 10, [(0, 10, "Church bell")]),
        ("-abc", 10, [(2, 7, "Male speech")]),
    ]
    for text in (AVE + rows, rows):  # all of it, and the list of a subset
        found = read_events(write(tmp_path, text, "ave.txt"), "ave")
        assert shape_of(found) == expected
    text = AVE + rows + "Church bell&x&good&6&11\nBus&y&good&5\nBus&z&good&a&2\n"
    assert problems_of(write(tmp_path, text, "ave.txt"), "ave") == [
        "FILE:5: has 4 columns, the first line names 5",
        "FILE:6: StartTime 'a' is not a number of seconds",
        "FILE:4: 6 to 11 s: reaches beyond the film, which lasts 10 s; mend=True cuts "
        "it off",
    ]


def game(*annotations):
    return {"UrlLocal": "epl/2015/A 1 - 1 B/", "annotations": list(annotations)}


def test_soccernet(tmp_path):
    foul = {"gameTime": "1 - 0:31", "label": "Foul", "position": "31500"}
    goal = {"gameTime": "2 - 45:00", "label": "Goal"}
    (tmp_path / "a").mkdir()
    write(tmp_path / "a", game(foul, goal), "Labels-v2.json")
    expected = [
        ("epl/2015/A 1 - 1 B/1_224p", None, [(31.5, 31.5, "Foul")]),
        ("epl/2015/A 1 - 1 B/2_224p", None, [(2700, 2700, "Goal")]),
    ]
    found = read_events(str(tmp_path / "a" / "Labels-v2.json"), "soccernet")
    assert shape_of(found) == expected and found.instants
    games = write(tmp_path, "a/Labels-v2.json\r\n\n", "games.txt")
    assert shape_of(read_events(games, "soccernet")) == expected
    wrong = game(
        dict(foul, position="60000"),
        dict(foul, position="soon"),
        dict(foul, gameTime="3 - 00:00"),
        dict(foul, label=7),
    )
    assert problems_of(write(tmp_path, wrong), "soccernet") == [
        "FILE: annotations[0]: 'position' 60000 ms is not at gameTime 1 - 0:31",
        "FILE: annotations[1]: 'position' must be milliseconds, got 'soon'",
        "FILE: annotations[2]: 'gameTime' must be like '1 - 0:31', got '3 - 00:00'",
        "FILE: annotations[3]: 'label' must be a text, got '7'",
    ]


def test_e2e_spot(tmp_path):
    video = {
        "video": "men_olympic_short_program_2010_01_00011475_00015700",
        "num_frames": 4225,
        "num_events": 1,
        "events": [{"frame": 517, "label": "jump_takeoff", "comment": "axel"}],
    }
    path = write(tmp_path, [dict(video, fps=25)])
    found = read_events(path, "e2e_spot")
    assert shape_of(found) == [
        (video["video"], 169, [(20.68, 20.68, "jump_takeoff")]),
    ]
    for said in (video, dict(video, fps=-1)):  # FineDiving's entries say -1
        path = write(tmp_path, [said])
        assert problems_of(path, "e2e_spot") == [
            f"FILE: [0] {video['video']}: says no 'fps', or -1; "
            "format_options=dict(fps=...) does"
        ]
        found = read_events(path, "e2e_spot", options=dict(fps=50))
        assert shape_of(found)[0][1] == 84.5
    late = [{"frame": 4225, "label": "jump_takeoff"}]
    path = write(tmp_path, [dict(video, fps=25), dict(video, fps=25, events=late)])
    name = video["video"]
    assert problems_of(path, "e2e_spot") == [
        f"FILE: [1] {name}: events[0]: frame 4225 of 4225 frames, from 0",
        f"FILE: [1]: video '{name}' is there twice",
    ]


def test_csv(tmp_path):
    text = "\ufefffile, start,end,label\r\na b.mp4, 1.5 ,3e0,run\r\n\r\n007,,,\r\n"
    text += '007,0,1,"up, down"\r\n'
    found = read_events(write(tmp_path, text, "e.csv"), "csv")
    assert shape_of(found) == [
        ("a b.mp4", None, [(1.5, 3, "run")]),
        ("007", None, [(0, 1, "up, down")]),
    ]
    instants = read_events(write(tmp_path, "file,time,label\n1,2,x\n", "t.csv"), "csv")
    assert shape_of(instants) == [("1", None, [(2, 2, "x")])] and instants.instants
    text = '"file","time","label"\r"1","2","x"\r'  # spreadsheets quote all
    assert read_events(write(tmp_path, text, "t.csv"), "csv").films == [
        instants.films[0]
    ]
    wrong = "file,start,end,label\na,nan,1,x\n,1,2,x\na,1,2\na,1_0,20,x\nb,5,4,\n"
    assert problems_of(write(tmp_path, wrong, "e.csv"), "csv") == [
        "FILE:2: start 'nan' is not a number of seconds",
        "FILE:3: names no file",
        "FILE:4: has 3 columns, the first line names 4",
        "FILE:5: start '1_0' is not a number of seconds",
        "FILE:6: the label is blank",
        "FILE:6: 5 to 4 s: ends before it starts; mend=True leaves it out",
    ]


# ----------------------------------------------------------------- what is refused


def test_all_mistakes_of_the_times_at_once(tmp_path):
    spans = [[5, 4], [-1, 2], [3, 3], [8, 12], [1, 2], [1, 2], [1.5, 3]]
    spans += [[1], "1-2", [True, 2], ["1 s", 2], [None, 2]]
    events = [{"segment": span, "label": "run"} for span in spans]
    events += [{"segment": [1, 2]}, {"label": "run"}, 5]
    database = {"a": {"duration": 10, "annotations": events}, "b": 3}
    database["c"] = {"duration": 0, "annotations": {}}
    path = write(tmp_path, {"database": database})
    found = problems_of(path, allow_overlap=False, classes=["run"])
    assert found == [
        "FILE: a: annotations[7]: 'segment' must be [start, end], got [1]",
        "FILE: a: annotations[8]: 'segment' must be a list, got '1-2'",
        "FILE: a: annotations[9]: an edge must be a number, got 'True'",
        "FILE: a: annotations[10]: an edge must be a number, got '1 s'",
        "FILE: a: annotations[11]: an edge must be a number, got nothing",
        "FILE: a: annotations[12]: 'label' must be a text, got nothing",
        "FILE: a: annotations[13]: 'segment' must be a list, got nothing",
        "FILE: a: annotations[14]: must be an object, got '5'",
        "FILE: b: must be an object, got '3'",
        "FILE: c: 'duration' must be positive, got 0",
        "FILE: a: annotations[0]: 5 to 4 s: ends before it starts; mend=True leaves it "
        "out",
        "FILE: a: annotations[1]: -1 to 2 s: is before the film begins",
        "FILE: a: annotations[2]: 3 to 3 s: has no length; mend=True leaves it out",
        "FILE: a: annotations[3]: 8 to 12 s: reaches beyond the film, which lasts 10 "
        "s; mend=True cuts it off",
        "FILE: a: annotations[5]: is the same event as FILE: a: annotations[4]; "
        "mend=True leaves it out",
        *(
            f"FILE: a: annotations[{k}]: {span} s: overlaps -1 to 2 s of FILE: a: "
            "annotations[1]; allow_overlap=True accepts that"
            for k, span in ((4, "1 to 2"), (5, "1 to 2"), (6, "1.5 to 3"))
        ),
    ]


def test_mended(tmp_path):
    spans = [[3, 3], [8, 12], [1, 2], [1, 2], [5, 4]]
    events = [{"segment": span, "label": "run"} for span in spans]
    path = write(tmp_path, {"database": {"a": {"duration": 10, "annotations": events}}})
    found = read_events(path, mend=True)
    assert [event[:2] for event in found.films[0].events] == [(8, 10), (1, 2)]
    events.append({"segment": [-1, 2], "label": "run"})  # nothing can be made of this
    path = write(tmp_path, {"database": {"a": {"duration": 10, "annotations": events}}})
    assert len(problems_of(path, mend=True)) == 1


def test_a_film_that_mending_empties_is_left_out(tmp_path, capfd):
    """It would teach that nothing happens in it; one that had no event stays."""
    gone, good = ([{"segment": span, "label": "run"}] for span in ([3, 3], [3, 4]))
    database = {
        name: {"duration": 10, "annotations": events}
        for name, events in dict(a=gone, b=good, c=[]).items()
    }
    path = write(tmp_path, {"database": database})
    assert [film.id for film in read_events(path, mend=True).films] == ["b", "c"]
    said = "".join(capfd.readouterr())
    assert f"1 films are left out, no event of them can be used: {path}: a" in said
    path = write(tmp_path, {"database": {"a": database["a"]}})
    assert problems_of(path, mend=True) == [
        "FILE: no event can be used, FILE: a is the first film"
    ]


def test_events_of_another_film(tmp_path):
    """THUMOS14 as ActionFormer has it: 30 events begin after their film has ended."""
    spans = [[159.9, 169], [187.3, 193.4], [177, 176.3]]
    events = [{"label": "HammerThrow", "segment": span} for span in spans]
    entry = {"subset": "Test", "duration": 176.25, "fps": 30.0, "annotations": events}
    path = write(tmp_path, {"database": {"video_test_0000270": entry}})
    where = "FILE: video_test_0000270: annotations"
    assert problems_of(path, "thumos14", "Test") == [
        f"{where}[1]: 187.3 to 193.4 s: reaches beyond the film, which lasts 176.25 s; "
        "mend=True leaves it out",
        f"{where}[2]: 177 to 176.3 s: ends before it starts; mend=True leaves it out",
    ]
    found = read_events(path, "thumos14", "Test", mend=True)
    assert shape_of(found) == [
        ("video_test_0000270", 176.25, [(159.9, 169, "HammerThrow")])
    ]


def test_labels(tmp_path):
    path = write(tmp_path, ACTIVITYNET)
    assert problems_of(path, classes=["Ballet", "Archery"]) == [
        "FILE: v_x: annotations[0]: label 'Zumba' is none of the 2 classes"
    ]
    found = read_events(path, ignore_labels=["Zumba"])
    assert found.classes == ["Archery", "Ballet"] and found.films[2].events == []


def test_broken_files(tmp_path):
    cases = {
        b'{"database": {"a": {}, "a": {}}}': "key 'a' is there twice",
        b'{"database": {"a": {"duration": NaN}}}': "NaN is no number of JSON",
        b'{"database":\n [1,]}': "FILE:2: is not JSON",
        b"[]": "'database' must be an object",
        b'{"database": {}}': "names no video",
        b"\xff\xfe": "is not UTF-8",
        b"[" * 100_000: "nested too deeply",
    }
    wrong = []
    for content, expected in cases.items():
        path = write(tmp_path, content)
        found = problems_of(path)
        if not any(expected in line for line in found):
            wrong.append((content[:40], found))
    assert wrong == []
    for name in EVENT_FORMATS:
        with pytest.raises(FileNotFoundError, match="annotation file not found"):
            read_events(str(tmp_path / "none.json"), name)
        with pytest.raises(AnnotationError):
            read_events(write(tmp_path, ""), name)
    with pytest.raises(ValueError, match="did you mean 'activitynet'"):
        read_events(path, "activity_net")
    with pytest.raises(
        ValueError, match="no video is of subset 'val'; there are 'test"
    ):
        read_events(write(tmp_path, ACTIVITYNET), subset="val")


def test_mistakes_do_not_hide_what_is_right(tmp_path):
    path = write(tmp_path, "file,start,end,label\na,1,2,x\na,b,2,x\n", "e.csv")
    found = parse_events(path, "csv")
    assert len(found.problems) == 1 and len(found.films[0].events) == 1
