"""Readers of captions: what each format says, and every mistake in it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmstconv.datasets import AnnotationError
from mmstconv.datasets.annotation import LINE_END
from mmstconv.datasets.captions import CAPTION_FORMATS, read_captions
from mmstconv.datasets.captions.annotation import parse_captions


def write(folder, text, name="captions.csv"):
    path = folder / name
    text = text if isinstance(text, (str, bytes)) else json.dumps(text)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def said(films):
    """``{name: [(text, segment)]}``."""
    return {film.name: [one[:2] for one in film.sentences] for film in films}


def problems_of(path, *args, **kwargs):
    """Reasons, without the file's name before them."""
    with pytest.raises(AnnotationError) as caught:
        read_captions(path, *args, **kwargs)
    return [line.replace(path, "FILE") for line in caught.value.problems]


# ------------------------------------------------------------ what the formats say


def test_csv(tmp_path):
    text = (
        "\ufefffile,start,end,text\r\n"
        '007,0,2.5,"He says, ""stop"", and goes"\r\n'
        "007,0,2.5,another\r\n"
        "\r\n"
        'a b.mp4,,,"two\r\nlines"\r\n'
    )
    assert said(read_captions(write(tmp_path, text))) == {
        "007": [('He says, "stop", and goes', (0, 2.5)), ("another", (0, 2.5))],
        "a b.mp4": [("two\nlines", None)],
    }
    found = read_captions(write(tmp_path, "text,file\nit's raining,x.mp4\n"))
    assert said(found) == {"x.mp4": [("it's raining", None)]}


def test_all_mistakes_of_csv_at_once(tmp_path):
    text = (
        "file,start,end,text\n"
        "a,0,1,fine\n"
        "a,2,1,backwards\n"
        "a,1,1,no length\n"
        "a,-1,1,before\n"
        "a,0,,half\n"
        "a,0,x,a word\n"
        ",0,1,nowhere\n"
        "a,0,1,\n"
        "a,0,1,fine\n"
        "a,0,1,one, too many\n"
    )
    path = write(tmp_path, text)
    assert problems_of(path) == [
        "FILE:6: end '' is not a number of seconds",
        "FILE:7: end 'x' is not a number of seconds",
        "FILE:8: names no file",
        "FILE:11: has 5 columns, the first line names 4",
        "FILE:3: 2 to 1 s: ends before it starts; mend=True leaves it out",
        "FILE:4: 1 to 1 s: has no length; mend=True leaves it out",
        "FILE:5: -1 to 1 s: is before the film begins",
        "FILE:9: the sentence is empty; mend=True leaves it out",
        "FILE:10: 'fine' stands at FILE:2 as well; mend=True leaves it out",
    ]
    kept = "".join(text.splitlines(True)[k] for k in (0, 1, 2, 3, 8, 9))
    mended = read_captions(write(tmp_path, kept), mend=True)
    assert said(mended) == {"a": [("fine", (0, 1))]}
    assert problems_of(write(tmp_path, "file,words\na,b\n")) == [
        "FILE:1: the first line must name the columns file, text; text not found in "
        "'file words'"
    ]
    assert problems_of(write(tmp_path, "file,text\n")) == ["FILE: names no video"]
    for head in ("file,start,text\n", '"file","start","text"\na,1,b\n'):
        assert "end not found in" in problems_of(write(tmp_path, head))[0]


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), max_size=6)
)
@settings(deadline=None, max_examples=40)
def test_any_sentence_that_a_table_can_hold(texts):
    texts = [" ".join(LINE_END.split(text)).strip() for text in texts]
    texts = [text for text in dict.fromkeys(texts) if text]
    with io.StringIO(newline="") as file, TemporaryDirectory() as folder:
        writer = csv.writer(file)
        writer.writerows([("file", "text"), *(("a.mp4", text) for text in texts)])
        path = write(Path(folder), file.getvalue())
        found = parse_captions(path)
    assert [one.text for film in found.films for one in film.sentences] == texts


MSRVTT = {
    "info": {"year": "2016"},
    "videos": [
        {
            "category": 9,
            "url": "https://example.org/x",
            "video_id": "video0",
            "start time": 137.72,
            "end time": 149.44,
            "split": "train",
            "id": 0,
        },
        {"video_id": 7, "split": "test", "start time": 0.0, "end time": 9.5, "id": 1},
    ],
    "sentences": [
        {"caption": "a car is shown", "video_id": "video0", "sen_id": 0},
        {"caption": "a car is shown", "video_id": "video0", "sen_id": 1},
        {"caption": "someone sings", "video_id": 7, "sen_id": 2},
    ],
}


def test_msrvtt(tmp_path):
    path = write(tmp_path, MSRVTT, "m.json")
    assert said(read_captions(path, "msrvtt")) == {
        "video0": [("a car is shown", None)] * 2,  # two people may say the same
        "7": [("someone sings", None)],
    }
    assert list(said(read_captions(path, "msrvtt", "test"))) == ["7"]
    with pytest.raises(ValueError, match="no video is of subset 'val'; there are"):
        read_captions(path, "msrvtt", "val")
    wrong = dict(
        MSRVTT,
        videos=[*MSRVTT["videos"], dict(video_id="video0"), 5, dict(video_id="v")],
        sentences=[
            *MSRVTT["sentences"],
            dict(caption="x", video_id="video9"),
            dict(caption=3, video_id="video0"),
            dict(caption=" ", video_id="video0"),
            dict(caption="x"),
        ],
    )
    assert problems_of(write(tmp_path, wrong, "w.json"), "msrvtt") == [
        "FILE: videos[2]: 'video0' stands at FILE: videos[0] as well",
        "FILE: videos[3]: must be an object, got '5'",
        "FILE: sentences[3]: 'video9' is none of the videos",
        "FILE: sentences[4]: 'caption' must be a text, got '3'",
        "FILE: sentences[6]: 'video_id' must be a text, got nothing",
        "FILE: sentences[5]: the sentence is empty; mend=True leaves it out",
        "FILE: videos[4]: has no sentence; mend=True leaves it out",
    ]


def test_msvd_as_text_table_and_json(tmp_path):
    expected = {
        "mv89psg6zh4_33_46": [("A bird, in a sink.", None), ("a bird bathes", None)],
        "-_hbPLsZvvo_5_8": [("a dog", None)],
    }
    lines = (
        "# Each line is a description.\r\n\r\n"
        "mv89psg6zh4_33_46 A bird, in a sink.\r\n"
        "mv89psg6zh4_33_46 a bird bathes\r\n"
        "-_hbPLsZvvo_5_8 a dog\r\n"
    )
    table = (
        "VideoID,Start,End,WorkerID,Source,AnnotationTime,Language,Description\n"
        'mv89psg6zh4,33,46,588702,unverified,55,English,"A bird, in a sink."\n'
        "mv89psg6zh4,33,46,588703,unverified,20,Serbian,ptica se kupa\n"
        "mv89psg6zh4,33,46,588704,clean,20,English,a bird bathes\n"
        "-_hbPLsZvvo,5,8,588704,clean,20,English,a dog\n"
    )
    by_video = {name: [text for text, _ in one] for name, one in expected.items()}
    pairs = [
        dict(video_id=name, caption=f" {text} ")
        for name, one in by_video.items()
        for text in one
    ]
    rows = [row[::-1] for row in csv.reader(io.StringIO(table))]
    with io.StringIO() as quoted:  # spreadsheets quote all; the order is free
        csv.writer(quoted, quoting=csv.QUOTE_ALL).writerows(rows)
        turned = quoted.getvalue()
    files = dict(lines=lines, table=table, json=by_video, coco=dict(sentences=pairs))
    files["turned"] = turned
    wrong = {}
    for name, text in files.items():
        found = said(read_captions(write(tmp_path, text, name), "msvd"))
        if found != expected:
            wrong[name] = found
    assert not wrong
    serbian = dict(options=dict(language="Serbian"))
    path = write(tmp_path, table)
    assert said(read_captions(path, "msvd", **serbian)) == {
        "mv89psg6zh4_33_46": [("ptica se kupa", None)]
    }
    assert problems_of(path, "msvd", options=dict(language="english")) == [
        "FILE: no sentence is in 'english'; there are 'English', 'Serbian'"
    ]
    text = "a_b no times\nmv89psg6zh4_33_46\n"
    assert problems_of(write(tmp_path, text), "msvd") == [
        "FILE:1: must be 'ID_start_end sentence', got 'a_b no times'",
        "FILE:2: the sentence is empty; mend=True leaves it out",
    ]
    json_text = {"a": "one", "b": [], "c": ["fine", 3]}
    assert problems_of(write(tmp_path, json_text), "msvd") == [
        "FILE: a: must be a list of sentences, got 'one'",
        "FILE: b: must be a list of sentences, got '[]'",
        "FILE: c[1]: must be a text, got '3'",
    ]


VAL_1 = {
    "v_uqiMw7tQ1Cc": {
        "duration": 55.15,
        "timestamps": [[0.28, 55.15], [13.79, 54.32]],
        "sentences": ["A weight lifting tutorial is given.", " The coach helps."],
    }
}
VAL_2 = {
    "v_uqiMw7tQ1Cc": {
        "duration": 55.15,
        "timestamps": [[0.28, 55.15]],
        "sentences": [" Two people lift weights."],
    }
}


def test_activitynet_captions_of_two_people(tmp_path):
    first = write(tmp_path, VAL_1, "val_1.json")
    second = write(tmp_path, VAL_2, "val_2.json")
    found = read_captions(first, "activitynet_captions", more=[second])
    assert [(f.id, f.duration) for f in found] == [("v_uqiMw7tQ1Cc", 55.15)]
    assert [(s.text, s.segment, s.source) for s in found[0].sentences] == [
        ("A weight lifting tutorial is given.", (0.28, 55.15), 0),
        ("The coach helps.", (13.79, 54.32), 0),
        ("Two people lift weights.", (0.28, 55.15), 1),
    ]
    wrong = {
        "a": {"duration": 10, "timestamps": [[0, 12]], "sentences": ["late"]},
        "b": {"duration": 10, "timestamps": [[5, 2]], "sentences": ["turned"]},
        "c": {"duration": 10, "timestamps": [[0, 2]], "sentences": []},
        "d": {"duration": 0, "timestamps": [[0, 2]], "sentences": ["x"]},
        "e": {"duration": 5, "timestamps": [[0], ["0", 1]], "sentences": ["x", "y"]},
        "f": {"duration": 5, "timestamps": [[0, 1]], "sentences": ["  "]},
        "g": 3,
        "h": {"timestamps": [[0, 1]], "sentences": [None]},
    }
    path = write(tmp_path, wrong, "wrong.json")
    assert problems_of(path, "activitynet_captions") == [
        "FILE: c: has 1 timestamps and 0 sentences",
        "FILE: d: 'duration' must be positive, got 0",
        "FILE: e: timestamps[0]: must be [start, end], got '[0]'",
        "FILE: e: timestamps[1]: an edge must be a number, got '0'",
        "FILE: g: must be an object, got '3'",
        "FILE: h: 'duration' must be a number, got nothing",
        "FILE: h: sentences[0]: must be a text, got nothing",
        "FILE: a: sentences[0]: 0 to 12 s: reaches beyond the film, which lasts 10 s; "
        "mend=True cuts it off",
        "FILE: b: sentences[0]: 5 to 2 s: ends before it starts; mend=True leaves it "
        "out",
        "FILE: e: has no sentence; mend=True leaves it out",
        "FILE: f: sentences[0]: the sentence is empty; mend=True leaves it out",
        "FILE: h: has no sentence; mend=True leaves it out",
    ]
    path = write(tmp_path, {"a": wrong["a"]}, "wrong.json")
    mended = read_captions(path, "activitynet_captions", mend=True)
    assert said(mended) == {"a": [("late", (0, 10))]}
    twice = '{"a": {"duration": 1}, "a": ' + json.dumps(wrong["a"]) + "}"
    path = write(tmp_path, twice.replace("12", "9"), "twice.json")
    assert problems_of(path, "activitynet_captions") == [
        "FILE: key 'a' is there twice in one object"
    ]


def test_clotho(tmp_path):
    head = "file_name,caption_1,caption_2,caption_3,caption_4,caption_5\n"
    rows = 'Distorted AM Radio noise.wav,"A, muddled",b,c,d,e\n'
    path = write(tmp_path, head + rows)
    texts = ["A, muddled", "b", "c", "d", "e"]
    assert said(read_captions(path, "clotho")) == {
        "Distorted AM Radio noise.wav": [(text, None) for text in texts]
    }
    spaced = write(tmp_path, head + " Ambience Birds.wav, a,b,c,d,e\r\n")
    assert list(said(read_captions(spaced, "clotho"))) == [" Ambience Birds.wav"]
    assert read_captions(spaced, "clotho")[0].sentences[0].text == "a"
    wrong = write(tmp_path, head + rows + rows + "x.wav,a,,c,d,e\n ,a,b,c,d,e\n")
    assert problems_of(wrong, "clotho") == [
        "FILE:3: 'Distorted AM Radio noise.wav' stands at FILE:2 as well",
        "FILE:5: names no file",
        "FILE:4: the sentence is empty; mend=True leaves it out",
    ]


def test_audiocaps(tmp_path):
    head = "audiocap_id,youtube_id,start_time,caption\n"
    rows = (
        "103549,7fmOlUlwoNg,20,Constant rattling noise\n"
        '103548,-0B,6,"A man speaks, then laughs"\n103547,-0B,6,A man laughs\n'
    )
    path = write(tmp_path, head + rows)
    texts = ["A man speaks, then laughs", "A man laughs"]
    assert said(read_captions(path, "audiocaps")) == {
        "7fmOlUlwoNg": [("Constant rattling noise", None)],
        "-0B": [(text, None) for text in texts],
    }
    options = dict(name="Y{youtube_id}_{start_time}", cut=False)
    assert said(read_captions(path, "audiocaps", options=options)) == {
        "Y7fmOlUlwoNg_20": [("Constant rattling noise", (20, 30))],
        "Y-0B_6": [(text, (6, 16)) for text in texts],
    }
    with pytest.raises(ValueError, match="columns of audiocap_id, youtube_id"):
        read_captions(path, "audiocaps", options=dict(name="{id}"))
    wrong = write(tmp_path, head + "1,a,soon,x\n2,,3,y\n3,a,4,\n")
    assert problems_of(wrong, "audiocaps") == [
        "FILE:2: start_time 'soon' is not a number of seconds",
        "FILE:3: names no video",
        "FILE:4: the sentence is empty; mend=True leaves it out",
    ]


def test_what_every_format_refuses(tmp_path):
    wrong = []
    for name in CAPTION_FORMATS:
        for content in (b"\xff\xfe\x00", b"", b"[]", b"{", b"file"):
            path = write(tmp_path, content)
            try:
                found = parse_captions(path, name)
            except (AnnotationError, ValueError):
                continue
            if not found.problems:
                wrong.append((name, content))
    assert not wrong
    with pytest.raises(ValueError, match="did you mean 'msrvtt'"):
        read_captions("x", "msr-vtt")
    with pytest.raises(ValueError, match="has no subsets"):
        read_captions(write(tmp_path, "file,text\na,b\n"), subset="train")
    with pytest.raises(FileNotFoundError):
        read_captions(str(tmp_path / "none.csv"))


def test_a_film_without_a_sentence_that_can_be_used_is_mended_away(tmp_path, caplog):
    text = "file,start,end,text\na,0,1,fine\nb,0,1,\nb,1,1,no length\nc,0,1,good\n"
    path = write(tmp_path, text)
    found = parse_captions(path, mend=True)
    assert [film.name for film in found.films] == ["a", "c"] and not found.problems
    path = write(tmp_path, "file,text\na,\nb,\n")
    assert problems_of(path, mend=True) == [
        "FILE: no sentence can be used, FILE:2 is the first film"
    ]
    first = {"a": {"duration": 9, "timestamps": [[0, 1]], "sentences": [" "]}}
    first = write(tmp_path, first, "val_1.json")
    second = {"a": {"duration": 9, "timestamps": [[0, 1]], "sentences": ["there"]}}
    second = write(tmp_path, second, "val_2.json")
    found = parse_captions(first, "activitynet_captions", more=[second], mend=True)
    assert said(found.films) == {"a": [("there", (0, 1))]}
    assert found.films[0].sentences[0].source == 1 and not found.problems


def test_a_quote_that_is_not_closed_takes_no_row_with_it(tmp_path):
    for text, line in {
        'file,text\na,fine\nb,"open\nc,more\n': "FILE:3: is no row of a table",
        'file,text\na,"two" words\nb,fine\n': "FILE:2: is no row of a table",
    }.items():
        problems = problems_of(write(tmp_path, text))
        assert len(problems) == 1 and problems[0].startswith(line), problems


def test_what_a_spreadsheet_divides_columns_by_is_named(tmp_path):
    """And nothing is said of letters that are no delimiters there."""
    cases = {
        "file;start;end;text\na;0,5;1;x\n": "semicolons divide them",
        '"file";"text"\n"a";"x"\n': "semicolons divide them",
        "file\tstart\tend\ttext\na\t0\t1\tx\n": "tabs divide them",
        "file|text\na|x\n": "bars divide them",
        "file;words\na;x\n": None,
        "file text\na x\n": None,
    }
    wrong = []
    for text, hint in cases.items():
        (line,) = problems_of(write(tmp_path, text))
        if "the first line must name the columns" not in line:
            wrong.append((text, line))
        if hint not in line if hint else "divide them" in line:
            wrong.append((text, line))
    assert not wrong
