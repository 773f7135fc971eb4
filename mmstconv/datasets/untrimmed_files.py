"""Files of untrimmed videos that annotations name with or without a suffix."""

from __future__ import annotations

import os

from ..disk import is_remote, public_name
from ..media.video_files import VIDEO_SUFFIXES
from .annotation import clipped, path_problems


class FileFinder:
    """Finds files below a folder; each of its folders is listed once.

    Args:
        root: The folder; empty: names are paths.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._listed: dict[str, tuple[set[str], dict[str, list[str]]]] = {}

    def find(self, name: str) -> list[str]:
        """Paths of the files that a name may mean: none, one, or several.

        A file of that very name comes first; else all that have it before the suffix
        of a video.

        Args:
            name: As the annotation has it.
        """
        path = os.path.join(self.root, name)
        folder, last = os.path.split(path)
        names, stems = self._content(folder)
        if last in names:
            return [path]
        if found := stems.get(last):
            return [os.path.join(folder, one) for one in sorted(found)]
        return [path] if os.path.isfile(path) else []

    def locate(
        self,
        name: str,
        where: str,
        missing: list[str],
        *,
        check: bool = True,
        allow_outside: bool = False,
        fetched: bool = False,
    ) -> tuple[list[str], str | None]:
        """What is wrong with a film's name, and its path.

        Args:
            name: As the annotation has it.
            where: Of it in the annotation, for messages.
            missing: A file that does not exist is noted here.
            check: Whether it has to exist.
            allow_outside: Whether it may lie outside of the folder.
            fetched: Whether it may be elsewhere; such a file is not looked for, so the
                name must be whole.

        Returns:
            ``where: reason`` each, and the path; None if there is none.
        """
        root = None if allow_outside else self.root or None
        wrong = [f"{where}: {reason}" for reason in path_problems(name, root, fetched)]
        path = name if is_remote(name) else os.path.join(self.root, name)
        if not wrong and is_remote(path) and not os.path.splitext(public_name(path))[1]:
            reason = "has no suffix, and files elsewhere are not listed to find it"
            advice = "filename_tmpl='{}.mp4' gives all the same one"
            return [f"{where}: {clipped(public_name(path))} {reason}; {advice}"], None
        if wrong or not check or is_remote(path):
            return wrong, path
        paths = self.find(name)
        if len(paths) > 1:
            names = ", ".join(os.path.basename(path) for path in paths)
            return [f"{where}: may be any of {names}; name it whole"], None
        if not paths:
            path = clipped(os.path.join(self.root, name))
            missing.append(f"{where}: {path} does not exist, with no suffix")
            return [], None
        return [], paths[0]

    def _content(self, folder: str) -> tuple[set[str], dict[str, list[str]]]:
        """Names of the files in a folder, and those of videos by what is before it."""
        if folder not in self._listed:
            names: set[str] = set()
            stems: dict[str, list[str]] = {}
            try:
                with os.scandir(folder or os.curdir) as entries:
                    names = {entry.name for entry in entries if entry.is_file()}
            except OSError:
                pass  # no such folder: nothing is found
            for name in names:
                stem, suffix = os.path.splitext(name)
                if suffix.lower() in VIDEO_SUFFIXES:
                    stems.setdefault(stem, []).append(name)
            self._listed[folder] = names, stems
        return self._listed[folder]
