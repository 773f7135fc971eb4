"""What commands say of files that they go through: a journal, and a result of all."""

from __future__ import annotations

import json
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from file_names import (
    fitting,
    ids_of,
    key_of,
    of_all_shards,
    of_shard,
    plain_names,
    share_of,
)
from inference_commands import load, run_of, stamp
from named_files import meant_files
from starting import begin
from tqdm import tqdm

from mmstconv.disk import ForeignFile, is_own, journal_lines, only_writer
from mmstconv.media import MediaError

if TYPE_CHECKING:
    from torch import nn

Found = TypeVar("Found")
JOURNAL = ".run.jsonl"  # behind the name of the result


class FileResults:
    """What was found, by file; each file is on disk when it is done, in a journal.

    The journal's first line says what the results depend on but for the files. The
    result itself has all files in the end, and lacks an eighth of those done at most
    before: a rewrite after each would take ever longer. What jobs have found that did
    a share of the files each (:func:`of_shard`) is taken over. Subclasses say how it is
    written (:meth:`save`), and what it is of (``what``).

    Args:
        out: The file that is wanted.
        run: What the results depend on but for the files, of JSON's types.
        files: All that are wanted, in order.

    Raises:
        ForeignFile: One of the files is there and was not written by this command.
        FileNotFoundError: There is no folder for them.
    """

    what = "results"

    def __init__(self, out: Path, run: Mapping, files: Sequence[Path]) -> None:
        if not out.parent.is_dir():
            raise FileNotFoundError(f"the folder does not exist: {out.parent}")
        self.out = out
        self.run = run
        self.journal = out.with_name(out.name + JOURNAL)
        self.ids = ids_of(files)
        self.names = plain_names(files)
        self.done = {}
        self.of_jobs = {}
        for journal in of_all_shards(out, JOURNAL):
            noted, *known = journal_lines(journal) or [None]
            if noted == run:
                self.of_jobs.update(known)
        self.unwritten = 0  # files that the result may not say the truth about
        there = [path for path in (out, self.journal) if os.path.lexists(path)]
        if not there:
            return
        noted, *known = journal_lines(self.journal) or [None]
        if noted != run or (out in there and not is_own(out)):
            raise ForeignFile(
                f"{there[0]} is there and was not written by this command with these "
                "weights and options: delete it, or give another --out"
            )
        self.done = dict(known)
        if self.done and not self.done.keys() & self.ids.keys():
            raise ForeignFile(
                f"{out} has the {self.what} of other files, {next(iter(self.done))} "
                "among them: delete it, or give another --out"
            )

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """For this process alone; writes what was found, however it ends."""
        with only_writer(self.journal) as self.file:
            if os.fstat(self.file.fileno()).st_size == 0:
                self.note(self.run)
            try:
                yield
            finally:
                self.write(whole=True)
                if not (self.done or self.out.exists()):
                    self.journal.unlink()  # so that other options may be tried

    def note(self, line: object) -> None:
        """A line of the journal."""
        self.file.write(json.dumps(line).encode() + b"\n")

    def known(self, path: Path) -> dict | None:
        """What was found in a file, if it is still the same."""
        key = key_of(path)
        noted = [found[key] for found in (self.done, self.of_jobs) if key in found]
        now = stamp(path) if noted else None
        return next((found for found in noted if found["stamp"] == now), None)

    def add(self, path: Path, known: dict) -> None:
        """What was found in one more file, on disk if they are not yet."""
        name = key_of(path)
        if self.done.get(name) is not known:
            self.note([name, known])
        self.done[name] = known
        self.unwritten += 1

    def drop(self, path: Path) -> None:
        """What was found in a file that cannot be used any more is no result."""
        self.of_jobs.pop(key_of(path), None)
        if self.done.pop(key_of(path), None):
            self.unwritten += 1

    def write(self, *, whole: bool) -> None:
        """The result of the files that could be used.

        Args:
            whole: Also if it would not get much longer.
        """
        if not self.unwritten or not (whole or 8 * self.unwritten >= len(self.done)):
            return
        self.save({n: self.done[n] for n in self.ids if n in self.done})
        self.unwritten = 0

    def beside(self, path: Path, suffix: str) -> Path:
        """Where a file with this suffix belongs that is of one of the files."""
        name = self.names[key_of(path)]
        return self.out.with_name(fitting(f"{self.out.stem}-{name}", suffix))

    def save(self, done: Mapping[str, dict]) -> None:
        """Writes the result.

        Args:
            done: What was found by file, in the order of the files.
        """
        raise NotImplementedError


def each_usable(
    command: str,
    files: Sequence[Path],
    read: Callable[[Path], Found],
    then: Callable[[Path, Found], None],
    unusable: tuple[type[Exception], ...] = (OSError, MediaError),
) -> int:
    """Reads each file; one that cannot be used is named, and the others go on.

    Args:
        command: Its name, for messages.
        files: In order.
        read: Gives what is known of a file.
        then: Told each file that can be used; its errors end the command.
        unusable: Errors of ``read`` that are of the file.

    Returns:
        How many files cannot be used.
    """
    failed = 0
    for path in files:
        try:
            found = read(path)
        except unusable as error:
            failed += 1
            tqdm.write(f"{command}: {error}", file=sys.stderr)  # above a bar, if any
            continue
        then(path, found)
    if failed and len(files) > 1:
        print(
            f"{command}: {failed} of {len(files)} files cannot be used",
            file=sys.stderr,
        )
    return failed


def for_each_file(
    command: str,
    files: Sequence[Path],
    results: FileResults,
    read: Callable[[Path], dict],
    then: Callable[[Path, dict], None] = lambda path, found: None,
) -> int:
    """:func:`each_usable` that adds what each file holds to the results.

    Args:
        command: As there.
        files: As there.
        results: What is known already is not read again.
        read: Gives what is noted of a file, with its ``stamp``.
        then: As there.

    Returns:
        How many files cannot be used.
    """

    def known_or_read(path: Path) -> dict:
        try:
            return results.known(path) or read(path)
        except (OSError, MediaError):
            results.drop(path)
            raise

    def add(path: Path, found: dict) -> None:
        results.add(path, found)
        results.write(whole=False)
        then(path, found)

    return each_usable(command, files, known_or_read, add)


def write_results(
    command: str,
    args: Namespace,
    kind: type[FileResults],
    options: Mapping,
    work: Callable[[nn.Module, list[Path], FileResults, Namespace], int],
) -> int:
    """A command that says something of many files, from its arguments to its exit code.

    Args:
        command: Its name, for messages.
        args: With what ``add_model_and_files`` and ``add_shared_flags`` add, ``hop``
            and ``out``.
        kind: Of the results.
        options: What they depend on beside the model, the hop and the files.
        work: Adds to the results what the model says of the files; gives how many
            cannot be used.
    """
    begin(command)
    from mmstconv.engine.messages import short_errors

    args.out = of_shard(args.out, args.shard)
    kept = f"{args.out} has the files that are done, the same command goes on"
    with short_errors(command, kept):
        files = meant_files(args.files)  # of all jobs: names tell them apart
        results = kind(args.out, dict(run_of(args), **options), files)
        files = share_of(files, args.shard)
        with results.at_work():
            failed = work(load(args), files, results, args)
    if args.out.exists():
        print(args.out)
    return int(failed > 0)
