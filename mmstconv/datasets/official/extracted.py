"""Flow and features of sound that lie extracted beside the videos."""

from __future__ import annotations

from pathlib import PurePosixPath

from .tree import Tree

FLOW = {"flow_x", "flow_y"}


def extracted_beside(tree: Tree) -> tuple[tuple[str, str], ...]:
    """Patterns by modality, of folders of flow images and of ``.npy`` of sound.

    A folder of flow has ``flow_x_00001.jpg`` and ``flow_y_00001.jpg``; an array has the
    name of the video. Their folder may have one below it for each class. What has other
    names is none.

    Returns:
        ``(('audio', '.../{stem}.npy'), ('flow', '.../{stem}'))``, for
        ``LoadClipAudioFeature(path=...)`` and ``LoadFlowImages(directory=...)``.
    """
    media = {PurePosixPath(name).stem: name for name in tree.media}
    for name, kinds in tree.image_folders.items():
        if kinds - FLOW:
            media.setdefault(name.rpartition("/")[2], name)
    arrays = [name for name in tree.files if name.endswith(".npy")]
    flow = [name for name, kinds in tree.image_folders.items() if FLOW <= kinds]
    found = []
    for modality, names, suffix in (("audio", arrays, ".npy"), ("flow", flow, "")):
        pattern = next(
            filter(None, (_pattern(tree, name, suffix, media) for name in names)), None
        )
        if pattern is not None:
            found.append((modality, pattern))
    return tuple(found)


def _pattern(tree: Tree, name: str, suffix: str, media: dict[str, str]) -> str | None:
    """The pattern that a name of something extracted is an example of."""
    path = PurePosixPath(name)
    stem = path.name[: -len(suffix)] if suffix else path.name
    if stem not in media:
        return None
    parent = PurePosixPath(media[stem]).parent.name
    above = path.parent
    by_class = parent and above.name == parent
    folder = above.parent / "{parent}" if by_class else above
    return str(tree.path(str(folder / f"{{stem}}{suffix}")))
