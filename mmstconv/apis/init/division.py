"""Items into lists: by the split of the data set, or by source and class."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from ..check import duplicates
from .items import Item
from .sources import Sources, find_sources, joined
from .splitting import SPLITS, TEST, TRAIN, VAL, split_sources


class Division(NamedTuple):
    """Items with their splits.

    Args:
        items: Of all lists.
        how: They were split, for a sentence.
        films: Numbers of items that hold one film, and whether to the byte.
        given: Whether the data set says who trains and who tests.
    """

    items: list[Item]
    how: str
    films: list[tuple[list[int], bool]]
    given: bool


def divided(
    items: Sequence[Item], classes: Sequence[str], pattern: re.Pattern | None
) -> Division:
    """Gives each item its source and its split.

    A split that the data set states is used. If it has no list to validate on, one is
    taken out of train, so that the best epoch is not picked on what is tested.

    Args:
        items: Of the folder.
        classes: Their names.
        pattern: Of the user's, for sources.

    Raises:
        ValueError: There are too few sources to validate on any.
    """
    told = find_sources(
        [item.name for item in items],
        [item.labels for item in items],
        classes,
        [item.group for item in items],
        pattern,
    )
    places = defaultdict(list)
    for number, item in enumerate(items):
        places[item.check.path].append(number)
    films = [
        ([places[path][0] for path in group.paths], group.same_content)
        for group in duplicates([item.check for item in items])
    ]
    together = [*places.values(), *(numbers for numbers, _ in films)]
    sources = joined(told.keys, together)
    items = [one._replace(source=source) for one, source in zip(items, sources)]
    official = {item.official for item in items}
    given = TRAIN in official and len(official) > 1
    if not given:
        items, how = _split(items), _in_words(told, sources)
    elif VAL in official:
        items = [item._replace(split=item.official) for item in items]
        how = "as the data set says"
    else:
        rest = _split([i for i in items if i.official == TRAIN], (TRAIN, VAL))
        tested = [i._replace(split=TEST) for i in items if i.official == TEST]
        items = sorted(rest + tested, key=lambda one: places[one.check.path])
        how = f"as the data set says, val out of train {_in_words(told, sources)}"
    if not any(item.split == VAL for item in items):
        copies = {number for numbers, _ in films for number in numbers}
        if copies:
            how += f"; {len(copies)} of {len(items)} files hold films that others hold"
        raise ValueError(
            "there is one file, or one source, of each class, so none can be kept to "
            f"validate on ({how}); more files are needed, or another --source"
        )
    return Division(items, how, films, given)


def _split(items: Sequence[Item], splits: Sequence[str] = SPLITS) -> list[Item]:
    found = split_sources(
        [item.source for item in items],
        [item.labels for item in items],
        [item.part for item in items],
        splits,
    )
    return [item._replace(split=split) for item, split in zip(items, found)]


def _in_words(told: Sources, sources: Sequence[int]) -> str:
    count = len(set(sources))
    if told.how:
        return f"by source, {count} of them, as told by {told.how}"
    return "by class, as names tell no sources"
