"""Something-Something, versions 1 and 2."""

from __future__ import annotations

from pathlib import PurePosixPath

from ..annotation import AnnotationError, shown
from ..events.json_text import Mistakes, read_json
from .collected import Collected
from .layout import Layout
from .registry import form
from .rows import in_order, lines_of, numbered_classes
from .tree import Tree

SPLITS = {"train": "train", "validation": "val", "test": "test"}
V1 = "something-something-v1-{}.csv"
V2 = ("something-something-v2-{}.json", "{}.json")
ANSWERS = "test-answers.csv"


def _v2_file(tree: Tree, part: str) -> str | None:
    for pattern in V2:
        for file in tree.named(pattern.format(part).replace(".", r"\.")):
            return file
    return None


def _has_v2(tree: Tree) -> bool:
    return bool(_v2_file(tree, "labels") and _v2_file(tree, "train"))


@form(
    "something_v2",
    _has_v2,
    "labels.json, train.json and validation.json, or "
    "something-something-v2-labels.json and so on",
)
def read_something_v2(found: Collected) -> Layout:
    """JSON of ``{"id", "label", "template", "placeholders"}`` for ``ID.webm``.

    Frames in folders ``ID`` are taken as well. The class is the template, whose
    ``[something]`` the file of labels has without brackets:
    ``{"Holding something": "0"}``. The test has ids alone, and its classes in
    ``test-answers.csv`` beside it, ``ID;Holding something`` a line, where that is there
    (Goyal et al. 2017; 20bn, now Qualcomm).
    """
    file = _v2_file(found.tree, "labels")
    path = str(found.tree.path(file))
    mistakes = Mistakes(path)
    labels = read_json(path, mistakes)
    if not isinstance(labels, dict):
        raise AnnotationError([f"{path}: must be an object of names and numbers"])
    if mistakes:
        raise AnnotationError(list(mistakes))
    pairs = [(f"{path}: {shown(key)}", key, str(n)) for key, n in labels.items()]
    numbers = numbered_classes(found, file, pairs)
    for part, split in SPLITS.items():
        file = _v2_file(found.tree, part)
        if file is not None:
            _read_part(found, file, split, numbers)
    return _layout(found, numbers)


def _read_part(found: Collected, file: str, split: str, numbers: dict) -> None:
    path = str(found.tree.path(file))
    mistakes = Mistakes(path)
    content = read_json(path, mistakes)
    found.mistakes += mistakes
    if not isinstance(content, list):
        found.mistake(path, "must be a list of videos")
        return
    answers = _answers(found, file, numbers) if split == "test" else {}
    for position, video in enumerate(content):
        where = f"{path}: [{position}]"
        name = video.get("id") if isinstance(video, dict) else None
        if isinstance(name, bool) or not isinstance(name, (str, int)) or name == "":
            found.mistake(where, "must be an object with an 'id'")
            continue
        labels = [answers[str(name)]] if str(name) in answers else []
        template = video.get("template")
        if split != "test" or template is not None:
            if not isinstance(template, str):
                found.mistake(where, f"video {name} has no 'template'")
                continue
            plain = template.replace("[", "").replace("]", "")
            number = found.number(where, plain, numbers)
            if number is None:
                continue
            labels = [number]
        _add(found, where, str(name), labels, split)


def _answers(found: Collected, file: str, numbers: dict) -> dict[str, int]:
    """Classes of the test by id, if they lie beside its file."""
    beside = PurePosixPath(file).with_name(ANSWERS).as_posix()
    answers = {}
    for where, line in lines_of(found, beside) if beside in found.tree.files else ():
        name, _, template = map(str.strip, line.partition(";"))
        number = found.number(where, template, numbers)
        if number is not None and found.is_new(where, (ANSWERS, name), name):
            answers[name] = number
    return answers


@form(
    "something_v1",
    lambda tree: bool(
        tree.named(r"something-something-v1-labels\.csv")
        and tree.named(r"something-something-v1-(train|validation)\.csv")
    ),
    "something-something-v1-labels.csv, -train.csv and -validation.csv",
)
def read_something_v1(found: Collected) -> Layout:
    """``ID;TEMPLATE`` a line, classes one a line, frames in folders ``ID/00001.jpg``.

    The number of a class is its line. Videos ``ID.webm`` are taken as well. The test
    has ids alone (Goyal et al. 2017).
    """
    file = found.tree.named(V1.format("labels"))[0]
    lines = list(lines_of(found, file))
    pairs = [(where, name, str(k)) for k, (where, name) in enumerate(lines)]
    numbers = numbered_classes(found, file, pairs)
    for part, split in SPLITS.items():
        for file in found.tree.named(V1.format(part)):
            for where, line in lines_of(found, file):
                name, _, template = map(str.strip, line.partition(";"))
                if not template and split == "test":
                    _add(found, where, name, [], split)
                    continue
                number = found.number(where, template, numbers)
                if number is not None:
                    _add(found, where, name, [number], split)
    return _layout(found, numbers)


def _layout(found: Collected, numbers: dict[str, int]) -> Layout:
    """Of videos or of frames, whichever are more."""
    folders = set(map(found.tree.path, found.tree.image_folders))
    frames = [sample for sample in found.samples if sample.path in folders]
    videos = [sample for sample in found.samples if sample.path not in folders]
    of_frames = bool(frames) and len(frames) >= len(videos)
    if frames and videos:
        found.notes.append(
            f"{len(videos)} videos were left out: the others are frames"
            if of_frames
            else f"{len(frames)} folders of frames were left out: the others are videos"
        )
    found.samples = frames if of_frames else videos
    return found.layout(in_order(numbers), False, of_frames=of_frames)


def _add(found: Collected, where: str, name: str, labels: list, split: str) -> None:
    if found.is_new(where, name, name):
        file = found.tree.find(name) or found.tree.find_frames(name)
        found.add(where, name, file, labels, split)
