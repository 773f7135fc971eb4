"""Files of which a list names a part: cut out of their films, or whole films."""

from __future__ import annotations

from mmstconv.media import MediaError, open_media

from ..annotation import AnnotationError
from .collected import Collected
from .layout import Sample
from .tree import Tree

PROBED = 16  # files whose length is looked at
SLACK = 1.5  # seconds that a cut file may be longer than its part
EARLY = 2.0  # seconds before which a part tells nothing


def cut_file(tree: Tree, name: str, start: float, end: float) -> str | None:
    """The file of a part of a film, as tools that download name them.

    ``ID_000030_000040`` (Kinetics), ``ID_000030`` (VGGSound), ``ID_30000_40000``
    (AudioSet, milliseconds), ``ID_30_40``, ``ID_30.0_40.0``, ``ID_30.000_40.000`` and
    the same with ``-`` between the times, each maybe after a ``Y``. Parts of a second
    are rounded or left out.

    Args:
        tree: The files.
        name: Of the film.
        start: In seconds.
        end: In seconds.
    """
    endings = []
    edges = [(round(start), round(end)), (int(start), int(end))]
    for first, last in dict.fromkeys(edges):
        endings += [f"{first:06d}_{last:06d}", f"{first:06d}"]
        endings += [f"{first}_{last}", f"{first}-{last}", f"{first}"]
    for form in (".1f", ".3f"):
        endings += [f"{start:{form}}{mark}{end:{form}}" for mark in "_-"]
    endings.append(f"{round(start * 1000)}_{round(end * 1000)}")
    stems = [f"{name}_{ending}" for ending in endings]
    return tree.find(*stems, *(f"Y{stem}" for stem in stems))


def whole_file(tree: Tree, name: str) -> str | None:
    """The file that has the name of a film alone."""
    return tree.find(name, f"Y{name}")


def add_part(
    found: Collected,
    where: str,
    name: str,
    span: tuple[float, float],
    labels: list[int],
    split: str | None,
) -> None:
    """A part of a film, by the file that was cut out of it or else by the film.

    Of the latter the sample has the part as its segment; :func:`settle_parts` says in
    the end whether that is right.
    """
    file = cut_file(found.tree, name, *span)
    segment = None
    if file is None:
        file, segment = whole_file(found.tree, name), span
    shown = f"{name} {span[0]:g} to {span[1]:g} s"
    found.add(where, shown, file, labels, split, group=name, segment=segment)


def settle_parts(found: Collected) -> None:
    """Takes segments away where files without times in their names are cut already.

    A list of AudioSet is about parts of films, and most copies of it hold those parts
    under the names of the films. Some files are opened: their length tells.

    Raises:
        AnnotationError: Some are whole and some are cut.
    """
    telling = [s for s in found.samples if s.segment and s.segment[0] > EARLY]
    step = max(len(telling) // PROBED, 1)
    kinds: dict[str, Sample] = {}
    for sample in telling[::step][:PROBED]:
        if kind := _kind(sample):
            kinds.setdefault(kind, sample)
    if len(kinds) > 1:
        raise AnnotationError(
            [
                f"{found.tree.root}: {kinds['whole'].path} is a whole film, and "
                f"{kinds['cut'].path} is as long as its part: name those that are cut "
                "ID_START_END, in seconds"
            ]
        )
    if "cut" in kinds:
        found.samples[:] = [sample._replace(segment=None) for sample in found.samples]
        found.notes.append(
            f"files such as {kinds['cut'].path.name} are as long as the part that the "
            "list names, and are taken for it"
        )


def _kind(sample: Sample) -> str | None:
    """``'whole'``, ``'cut'``, or None where that cannot be told."""
    start, end = sample.segment
    try:
        with open_media(str(sample.path)) as media:
            begins, ends = media.extent
    except (MediaError, OSError):
        return None
    length = ends - begins
    if length <= end - start + SLACK and length < end:
        return "cut"
    return "whole" if length > start else None
