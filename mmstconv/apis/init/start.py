"""From a folder of videos to what a training needs, in a new folder."""

from __future__ import annotations

import errno
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...datasets.official import Layout
from ...disk import FolderLock, ForeignFile, is_own, refuse_foreign, write_own
from ...engine.configs import read_config
from ...modalities import MODALITIES
from . import findings
from .checks import checked
from .division import Division, divided
from .items import Item, LeftOut, items_of, layout_of, videos_without_class
from .lists import list_text, printable
from .recipe import config_text, epochs_for, find_recipe, folder_of
from .splitting import SPLITS, TRAIN
from .table import table_of

SUFFIX = "_mmstconv"
CLASSES, FILES = "classes.txt", "files.csv"


class Started(NamedTuple):
    """What was made of a folder.

    Args:
        config: The config to train.
        work_dir: Where its training writes.
        epochs: That it trains.
        counts: ``{split: files}``.
        example: A file of the last list that is not empty, to try the model on.
        left_out: Files that are in no list.
    """

    config: Path
    work_dir: Path
    epochs: int
    counts: dict[str, int]
    example: Path
    left_out: list[LeftOut]


def init_folder(
    folder: str | os.PathLike,
    out: str | os.PathLike | None = None,
    *,
    layout: str | None = None,
    mend: bool = False,
    source: str | None = None,
    epochs: int | None = None,
    workers: int | None = None,
    say: Callable[[str], None] = print,
) -> Started:
    """Checks the videos of a folder, splits them and writes a config for them.

    Nothing in the folder changes. Lists, class names, a table of all files and the
    config go to another one; a config that was edited since an earlier call stays.

    Args:
        folder: Of the videos.
        out: Folder to write to; None: ``NAME_mmstconv`` in the current one.
        layout: How the folder is laid out; None: as it looks.
        mend: Whether to leave out lines of the data set's lists that repeat others.
        source: Regular expression: what it finds in a file's name below the folder is
            the file's source. None: as names and folders tell.
        epochs: To train; None: as the number of files asks for.
        workers: Processes that check files; None is one a core.
        say: Told what was found, a line or several each.

    Raises:
        ValueError: Nothing can be made of the folder; says what is missing.
        ForeignFile: Files are in the way that were not written here.
        OSError: The folder cannot be read, or the other one not written.
    """
    folder, pattern = Path(folder), _pattern(source)
    out = _place(folder, out)
    found = layout_of(folder, layout, mend)
    _refuse_another(out, folder)
    refuse_foreign(out / name for name in (CLASSES, FILES, *map(_list, SPLITS)))
    try:
        lock = FolderLock(out, "mmstconv init", "Wait for it or end it", say)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        raise PermissionError(
            f"{error.strerror}: name another folder (--out)"
        ) from None
    try:
        checks = checked([sample.path for sample in found.samples], out, workers)
        items, left_out = items_of(found, folder, checks)
        left_out += videos_without_class(found, folder)
        used = {label for item in items for label in item.labels}
        if len(used) < (1 if found.multi_label else 2):
            few = f"files of {len(used)} classes of {folder} can be used: too few"
            raise ValueError("\n".join([few, *_reasons(left_out)]))
        division = divided(items, found.classes, pattern)
        for line in _said(division, left_out, found, folder):
            say(line)
        counts = Counter(item.split for item in division.items)
        counts = {split: counts[split] for split in SPLITS}
        epochs = epochs or epochs_for(find_recipe(), counts[TRAIN])
        _write_lists(out, division.items, left_out, found.classes)
        config = out / f"{_name(folder)}.py"
        epochs = _write_config(config, division.items, found, folder, epochs, say)
    finally:
        lock.release()
    last = max(division.items, key=lambda item: SPLITS.index(item.split))
    example = last.check.path
    return Started(config, out / "run", epochs, counts, example, left_out)


def _pattern(source: str | None) -> re.Pattern | None:
    try:
        return None if source is None else re.compile(source)
    except re.error as error:
        raise ValueError(f"{source!r} is no regular expression: {error}") from None


def _name(folder: Path) -> str:
    """The folder's own name, also of ``.``, as a part of a file's name."""
    return Path(os.path.abspath(folder)).name or "videos"


def _place(folder: Path, out: str | os.PathLike | None) -> Path:
    """Where to write.

    Raises:
        ValueError: It is the folder of the videos, or in it.
    """
    place = Path(f"{_name(folder)}{SUFFIX}" if out is None else out)
    if Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
        raise ValueError(
            f"{place} would lie in {folder}, in which nothing is written: name another "
            f"folder, such as --out {Path(os.path.relpath(folder), '..', place.name)}"
        )
    return place


def _refuse_another(out: Path, folder: Path) -> None:
    """Lists and checkpoints of another folder's videos are not mixed with these.

    Raises:
        ForeignFile: There are some of a folder that is still there.
    """
    for config in sorted(out.glob("*.py")):
        other = folder_of(config)
        if other is not None and other.is_dir() and not other.samefile(folder):
            raise ForeignFile(
                f"{out} is of the videos in {other}: name another folder (--out)"
            )


def _list(split: str) -> str:
    return f"{split}.txt"


def _reasons(left_out: Sequence[LeftOut]) -> list[str]:
    return findings.shown([f"{one.name}: {one.reason}" for one in left_out])


def _about(items: Sequence[Item], layout: Layout, folder: Path) -> str:
    """``'60 videos of 6 classes in data/videos (class folders)'``."""
    return (
        f"{len(items)} videos of {len(layout.classes)} classes in {folder} "
        f"({layout.name})"
    )


def _said(
    division: Division, left_out: Sequence[LeftOut], layout: Layout, folder: Path
) -> Iterator[str]:
    """What was found, a line or several each."""
    items, classes = division.items, layout.classes
    counts = Counter(item.split for item in items)
    yield _about(items, layout, folder)
    lists = ", ".join(f"{split} {counts[split]}" for split in SPLITS)
    yield f"{lists}: {division.how}"
    if not counts[SPLITS[-1]]:
        yield "there is nothing to test on but val: the config tests on that"
    yield from layout.notes
    yield from findings.say_missing(layout)
    yield from findings.say_left_out(left_out)
    yield from findings.say_damage(items)
    yield from findings.say_sound(items, classes)
    yield from findings.say_duplicates(division.films, items, classes, division.given)
    yield from findings.say_classes(items, classes)
    if division.given:
        yield from findings.say_leaks(items)


def _modalities(items: Sequence[Item]) -> list[str]:
    """Those that any file has."""
    there = {
        "rgb": any(item.check.codec for item in items),
        "flow": any(item.check.frames > 1 for item in items),
        "audio": any(item.check.sound for item in items),
    }
    return [name for name in MODALITIES if there[name]]


def _write_lists(
    out: Path,
    items: Sequence[Item],
    left_out: Sequence[LeftOut],
    classes: Sequence[str],
) -> None:
    """Lists, class names and the table of all files; no list of nothing."""
    parts = any(item.segment for item in items)
    for split in SPLITS:
        rows = [
            (item.part if parts else item.name, item.labels)
            for item in items
            if item.split == split
        ]
        if rows:
            write_own(out / _list(split), list_text(rows))
        else:
            (out / _list(split)).unlink(missing_ok=True)
    write_own(out / CLASSES, "".join(f"{printable(name)}\n" for name in classes))
    write_own(out / FILES, table_of(items, left_out, classes))


def _write_config(
    config: Path,
    items: Sequence[Item],
    layout: Layout,
    folder: Path,
    epochs: int,
    say: Callable[[str], None],
) -> int:
    """The config, unless it is there and is the user's by now.

    Returns:
        The epochs that it trains.
    """
    splits = {item.split for item in items}
    text = config_text(
        f"mmstconv train {config}",
        _about(items, layout, folder),
        find_recipe(),
        folder=Path(os.path.abspath(folder)),
        out=Path(os.path.abspath(config.parent)),
        lists={split: _list(split) for split in SPLITS if split in splits},
        num_classes=len(layout.classes),
        multi_label=layout.multi_label,
        epochs=epochs,
        parts=any(item.segment for item in items),
        outside=any(os.path.isabs(item.name) for item in items),
        modalities=_modalities(items),
    )
    if os.path.lexists(config) and not is_own(config):
        say(f"warning: {config} was changed by hand and is kept; new would be:\n{text}")
        return read_config(str(config)).train_cfg.max_epochs
    write_own(config, text)
    return epochs
