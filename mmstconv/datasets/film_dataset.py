"""Films that an annotation names, whatever it says of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..disk import FETCH_ADVICE, is_remote, public_name
from .annotation import AnnotationError, clipped, listed
from .film_lengths import length_problems
from .tolerant_dataset import TolerantDataset
from .transforms.roles import fetchers_of, steps_of
from .untrimmed_files import FileFinder

if TYPE_CHECKING:
    from .captions import CaptionedFilm
    from .events import Film
    from .formats import Annotation


class FilmDataset(TolerantDataset):
    """Films that an annotation names, with or without a suffix.

    Everything that is wrong with the annotation is reported at once, with file and line
    or key, and so are files that do not exist. Bad files are met as in
    :class:`~mmstconv.datasets.MultiModalVideoDataset`.

    Args:
        ann_file: The annotation.
        data_prefix: ``dict(video=folder)`` of the files. With ``FetchMedia`` in the
            pipeline it, or a film's name, may be an address; names then need a suffix.
        filename_tmpl: Name of a file by ``{}``, the film's name in the annotation, such
            as ``'v_{}'``. A suffix is found by itself.
        check_files: Whether every file has to exist.
        check_lengths: Whether to open every file, and compare times with its true end.
        allow_outside: Whether the annotation may name files outside of the folder.
        **kwargs: See MMEngine's ``BaseDataset``.

    Raises:
        AnnotationError: Something in the annotation cannot be used, or times reach
            beyond a file's end; missing files are listed with it.
        FileNotFoundError: The annotation or files do not exist.
        ValueError: Files are elsewhere, and no ``FetchMedia`` reads them.
    """

    def __init__(
        self,
        ann_file: str,
        data_prefix: Mapping[str, str] | None = None,
        *,
        filename_tmpl: str = "{}",
        check_files: bool = True,
        check_lengths: bool = False,
        allow_outside: bool = False,
        **kwargs,
    ) -> None:
        if "{" not in filename_tmpl:
            raise ValueError(f"filename_tmpl must have a {{}}, got {filename_tmpl!r}")
        self.filename_tmpl = filename_tmpl
        self.check_files, self.check_lengths = check_files, check_lengths
        self.allow_outside = allow_outside
        prefix = dict(data_prefix or dict(video=""))
        super().__init__(ann_file=ann_file, data_prefix=prefix, **kwargs)

    def read(self) -> Annotation:
        """The annotation, with what is wrong in it."""
        raise NotImplementedError

    def infos(self, found: Annotation, paths: list[str]) -> list[dict]:
        """The samples of an annotation without mistakes, in plain values.

        Loader processes share these as bytes.

        Args:
            found: As of :meth:`read`.
            paths: Of the films' files.
        """
        raise NotImplementedError

    def timed(self, film: Film | CaptionedFilm) -> Film:
        """A film with all that has times in it as events."""
        return film

    def load_data_list(self) -> list[dict]:
        """Reads and checks the annotation, and finds the files."""
        folder = self.data_prefix.get("video") or ""
        fetchers = fetchers_of(self)
        if is_remote(folder) and not fetchers:
            raise ValueError(
                f"{self.ann_file}: data_prefix['video'] = {public_name(folder)!r} "
                f"{FETCH_ADVICE}"
            )
        found = self.read()
        paths = self._find(found, folder, bool(fetchers))
        for step in fetchers:
            step.check_names(paths)
        if self.check_lengths:
            pairs = zip(map(self.timed, found.films), paths)
            if problems := length_problems(
                pairs, fetchers[0].store if fetchers else None
            ):
                raise AnnotationError(problems)
        return self.infos(found, paths)

    def get_data_info(self, idx: int) -> dict:
        """A sample's information; MMAction2's transforms ask for some of it."""
        info = super().get_data_info(idx)
        info.update(modality="RGB", start_index=0)
        return info

    def full_init(self) -> None:
        """As MMEngine's; what transforms read beside the files must exist as well."""
        super().full_init()
        if self.check_files:
            for step in steps_of(self):
                if hasattr(step, "check_extracted"):
                    infos = (self.get_data_info(k) for k in range(len(self)))
                    step.check_extracted(infos)

    def _find(self, found: Annotation, folder: str, fetched: bool) -> list[str]:
        """Paths of the films' files; raises what is wrong with films and files."""
        problems, missing, paths = list(found.problems), [], []
        finder, known = FileFinder(folder), {}
        for film in found.films:
            wrong, path = finder.locate(
                self.filename_tmpl.format(film.name),
                film.where,
                missing,
                check=self.check_files,
                allow_outside=self.allow_outside,
                fetched=fetched,
            )
            problems += wrong
            other = known.setdefault(os.path.normpath(path), film) if path else film
            if other is not film:
                problems.append(
                    f"{film.where}: is the file of {other.where}, {clipped(other.name)}"
                    "; name it in one way, else each has a part of what is said of it"
                )
            paths.append(path)
        here = folder and not is_remote(folder)
        if missing and here and not os.path.isdir(folder):
            missing = [f"{self.ann_file}: the folder {folder} does not exist"]
        if problems:
            raise AnnotationError(problems + missing)
        if missing:
            raise FileNotFoundError(
                f"{len(missing)} of {len(found.films)} media files not found\n"
                + listed(missing)
            )
        return paths
