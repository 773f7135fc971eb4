"""Train, validation and test lists: whole sources, every class in each if it can be."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from ...datasets.official import SPLITS

TRAIN, VAL, TEST = SPLITS
UNLABELLED = -1  # files without any class are spread like a class
SHARE = 0.15  # of the files of a class, to validate; and as many to test


def split_sources(
    sources: Sequence[int],
    labels: Sequence[tuple[int, ...]],
    names: Sequence[str],
    splits: Sequence[str] = SPLITS,
    share: float = SHARE,
) -> list[str]:
    """The split of each file.

    All files of a source are in one. Of each class, the rarest first, sources are taken
    until they hold a share of its files, and a source is left to train. So a class
    of two sources is validated and not tested, and one of a single source is in train
    alone. Which ones are taken follows from their names: files that are added later
    leave most of the others where they are.

    Args:
        sources: Of each file.
        labels: Of each file; any number.
        names: Of the files, all different.
        splits: ``'train'`` and what to take out of it, the most important first.
        share: Of the files of a class, for each split but train.
    """
    files = defaultdict(list)
    for number, source in enumerate(sources):
        files[source].append(number)
    holds = {
        source: Counter(label for n in of for label in labels[n] or (UNLABELLED,))
        for source, of in files.items()
    }
    of_class, total = defaultdict(list), Counter()
    for source in sorted(files, key=lambda one: _rank(names[n] for n in files[one])):
        total.update(holds[source])
        for label in holds[source]:
            of_class[label].append(source)
    where = dict.fromkeys(files, TRAIN)
    left = {label: len(of) for label, of in of_class.items()}  # sources in train
    has = {split: Counter() for split in splits[1:]}

    def take(source: int, split: str) -> None:
        where[source] = split
        has[split].update(holds[source])
        for label in holds[source]:
            left[label] -= 1

    for label in sorted(of_class, key=lambda one: (len(of_class[one]), one)):
        wanted = max(1, round(share * total[label]))
        for split in splits[1:]:
            free = [source for source in of_class[label] if where[source] == TRAIN]
            for source in _nearest(free, label, wanted, holds):
                lacks = wanted - has[split][label]
                first = not has[split][label]
                others = sum(not of[label] for of in has.values()) if not first else 0
                if (
                    lacks > 0
                    and (first or holds[source][label] < 2 * lacks)
                    and left[label] > 1 + others
                    and all(left[one] > 1 for one in holds[source])
                ):
                    take(source, split)
    return [where[source] for source in sources]


def _nearest(
    sources: Sequence[int], label: int, wanted: int, holds: Mapping[int, Counter]
) -> list[int]:
    """Those of at most so many files of a class in their order, then the smallest."""
    small = [one for one in sources if holds[one][label] <= wanted]
    large = [one for one in sources if holds[one][label] > wanted]
    return small + sorted(large, key=lambda one: holds[one][label])


def _rank(names: Iterable[str]) -> bytes:
    """A place in a row that has nothing to do with what names mean."""
    return min(
        sha256(name.encode("utf-8", "surrogateescape")).digest() for name in names
    )
