"""Paths of files that users have extracted, and notes about broken ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path


def companion(pattern: str, results: Mapping) -> Path:
    """The path of what was extracted from a sample.

    Args:
        pattern: With ``{stem}`` for the name of the media file without suffix, or of
            the folder of frames, and ``{parent}`` for the name of its directory.
        results: With ``filename``, and ``total_frames`` or ``frame_dir`` where that is
            a folder.
    """
    path = Path(results.get("frame_dir") or results["filename"])
    folder = "frame_dir" in results or "total_frames" in results or path.is_dir()
    stem = path.name if folder else path.stem
    return Path(pattern.format(stem=stem, parent=path.parent.name))


def note(results: dict, what: str) -> None:
    """Adds to the list of what was found broken in a sample."""
    damage = results.setdefault("damage", [])
    if what not in damage:
        damage.append(what)


def first_extracted(infos: Iterable[Mapping], path_of: Callable, owner: str) -> Path:
    """The first path that exists, of all samples.

    Raises:
        FileNotFoundError: None does: the pattern must be wrong.
    """
    count, first = 0, None
    for info in infos:
        path = path_of(info)
        if path.exists():
            return path
        count, first = count + 1, first or path
    raise FileNotFoundError(
        f"{owner} finds nothing for any of the {count} samples; the first would be at "
        f"{first}: correct the path, or leave the transform and its modality out"
    )


def checked_pattern(name: str, pattern: str, *fields: str) -> str:
    """A pattern that can be filled in, or a clear error."""
    try:
        filled = pattern.format(**dict.fromkeys(fields, 1))
    except (KeyError, IndexError, ValueError, AttributeError):
        filled = None
    if not filled:
        raise ValueError(
            f"{name} may contain {['{' + field + '}' for field in fields]}, "
            f"got {pattern!r}"
        )
    return pattern
