"""What there is to say of a folder: what is left out, and what would mislead."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from ...datasets.annotation import clipped
from ...datasets.official import Layout
from ...evaluation.presence_leak import presence_leak
from .items import Item, LeftOut
from .lists import printable
from .splitting import TRAIN

SHOWN = 10  # lines of a kind
SIGNIFICANT = 0.05


def shown(lines: Sequence[str]) -> list[str]:
    """The first lines, indented, and how many more there are."""
    rest = len(lines) - SHOWN
    more = [f"... and {rest} more (files.csv has all)"] if rest > 0 else []
    return [f"  {clipped(printable(line))}" for line in [*lines[:SHOWN], *more]]


def say_left_out(left_out: Sequence[LeftOut]) -> Iterator[str]:
    """Files that are in no list."""
    if left_out:
        yield f"{_files(left_out)} left out:"
        yield from shown([f"{one.name}: {one.reason}" for one in left_out])


def say_missing(layout: Layout) -> Iterator[str]:
    """What the files of the data set name, and is not there."""
    if layout.missing:
        yield f"{len(layout.missing)} files that the data set names are not there:"
        yield from shown(layout.missing)


def say_damage(items: Sequence[Item]) -> Iterator[str]:
    """Files that are used, but not whole."""
    damaged = [item for item in items if item.check.damage]
    if damaged:
        yield f"{_files(damaged)} damaged, and used as far as they can be:"
        yield from shown([f"{one.name}: {one.check.damage}" for one in damaged])
    blind = [item for item in items if item.check.codec is None]
    if blind:
        yield f"{_files(blind)} without pictures, used for their sound:"
        yield from shown([one.name for one in blind])


def say_sound(items: Sequence[Item], classes: Sequence[str]) -> Iterator[str]:
    """Which files have no sound, and whether that gives their class away."""
    mute = [item for item in items if item.check.sound is None]
    silent = [item for item in items if item.check.silent]
    if not mute and not silent:
        yield f"sound: in all {len(items)} files"
        return
    yield (
        f"sound: {len(mute)} of {len(items)} files have none, "
        f"{len(silent)} have a silent track"
    )
    if len(mute) == len(items):
        return
    files, without = Counter(), Counter()
    for item in items:
        files.update(item.labels)
        if item.check.sound is None or item.check.silent:
            without.update(item.labels)
    table = [
        f"{classes[label]}: {count} of {files[label]} without"
        for label, count in sorted(without.items())
    ]
    yield from shown(table)
    single = [item for item in items if len(item.labels) == 1]
    if len(single) < len(items):
        return
    patterns = [(one.check.sound is not None, one.check.silent) for one in single]
    leak = presence_leak(patterns, [one.labels[0] for one in single])
    if leak.p_value <= SIGNIFICANT:
        yield (
            "warning: whether a file has sound gives classes away: knowing that alone, "
            f"the best guess is right in {leak.accuracy:.0%}, knowing nothing in "
            f"{leak.chance:.0%}. Streams of this config learn apart and do not use it; "
            "a model that learns jointly would (docs/fusion.md, Presence)"
        )


def say_duplicates(
    groups: Sequence[tuple[Sequence[int], bool]],
    items: Sequence[Item],
    classes: Sequence[str],
    given: bool,
) -> Iterator[str]:
    """Files that hold the same film.

    Args:
        groups: Numbers of items, and whether they are the same to the byte.
        items: All of them.
        classes: Their names.
        given: Whether the data set says who trains: duplicates do not change that.
    """
    kept = "" if given else "; each stays in one list"
    for exact, what in (
        (True, "the same content"),
        (False, "pictures that look alike"),
    ):
        of = [[items[k] for k in numbers] for numbers, same in groups if same == exact]
        if of:
            count = sum(map(len, of))
            yield f"{count} files hold {len(of)} films, {what}{kept}:"
            yield from shown([" = ".join(one.name for one in group) for group in of])
    mixed = [
        [items[k] for k in numbers]
        for numbers, _ in groups
        if len({items[k].labels for k in numbers}) > 1
        and not any(items[k].segment for k in numbers)
    ]
    if mixed:
        yield "warning: one film in different classes; one of the labels is wrong:"
        yield from shown(
            [" = ".join(f"{i.name} ({_of(i, classes)})" for i in m) for m in mixed]
        )


def say_classes(items: Sequence[Item], classes: Sequence[str]) -> Iterator[str]:
    """Classes that a list lacks."""
    has = defaultdict(set)
    sources = defaultdict(set)
    for item in items:
        for label in item.labels:
            has[label].add(item.split)
            sources[label].add(item.source)
    splits = sorted({item.split for item in items} - {TRAIN}, reverse=True)
    few = []
    for label, name in enumerate(classes):
        lacks = [split for split in (TRAIN, *splits) if split not in has[label]]
        if lacks:
            count = len(sources[label])
            which = "1 source" if count == 1 else f"{count} sources"
            few.append(f"{name} ({which}): not in {', '.join(lacks)}")
    if few:
        yield "warning: classes with too few files, or too few sources, for all lists:"
        yield from shown(few)


def say_leaks(items: Sequence[Item]) -> Iterator[str]:
    """Sources on several sides of a split that was given."""
    sides = defaultdict(lambda: defaultdict(list))
    for item in items:
        sides[item.source][item.split].append(item.name)
    leaks = [of for of in sides.values() if len(of) > 1]
    if leaks:
        yield (
            f"warning: {len(leaks)} sources are on several sides of the given split; "
            "what is measured is too good by that:"
        )
        lines = [" and ".join(f"{n[0]} ({s})" for s, n in of.items()) for of in leaks]
        yield from shown(lines)


def _of(item: Item, classes: Sequence[str]) -> str:
    return ", ".join(classes[label] for label in item.labels)


def _files(items: Sequence) -> str:
    return "1 file is" if len(items) == 1 else f"{len(items)} files are"
