"""The folders that a run writes to: can they be written, and are they its own?"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process, master_only
from mmengine.logging import MMLogger
from mmengine.runner import Runner

from ..disk import FolderLock, ForeignFile, unfinished_path, write_own
from .resuming import is_local, saving_folder

ADVICE = (
    "Wait for it or end it, or give this run a folder of its own with --work-dir; two "
    "seeds of one config need two"
)


def check_writable(folder: str | os.PathLike) -> None:
    """Make a folder if it is not there, and write a file in it.

    Raises:
        OSError: That does not go; names the folder and the reason.
    """
    probe = unfinished_path(Path(folder, "probe"))
    try:
        probe.parent.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"?")
        probe.unlink()
    except OSError as error:
        raise OSError(
            error.errno,
            f"the folder {folder} cannot be written to: {error.strerror}; give "
            "another one",
        ) from error


def hold(runner) -> list[FolderLock]:
    """Keep other trainings out of the folders of this one, until it ends.

    The first process does it for all of a distributed run. Tests and validations by
    themselves hold nothing and are not kept out: they remove no file.

    Returns:
        What holds the folders, to be released; empty in the other processes.

    Raises:
        FolderInUse: Another training is at work there; says which.
        OSError: A folder cannot be written to.
    """
    locks: list[FolderLock] = []
    failure: list = [None]
    if is_main_process():
        folders = {runner.work_dir, saving_folder(runner)}
        try:
            for folder in sorted(filter(is_local, folders)):
                warn = runner.logger.warning
                locks.append(FolderLock(folder, "a training", ADVICE, warn))
        except OSError as error:  # the others wait for an answer
            failure[0] = error
    broadcast_object_list(failure)
    if failure[0] is not None:
        raise failure[0]
    return locks


def log_any_name(logger: MMLogger) -> None:
    """Let a logger's files take names that are no text, as escapes.

    Else Python's ``logging`` prints an error of its own for each such line.
    """
    for handler in logger.handlers:
        if isinstance(handler, logging.FileHandler) and handler.stream is not None:
            handler.errors = "backslashreplace"
            handler.stream.reconfigure(errors=handler.errors)


def keep_configs_of_users() -> None:
    """Let no ``Runner`` write its config over one that it did not write.

    MMEngine puts a copy of the config into the work dir, under the config's name: over
    the very file that the run was started with, if that lies there.
    """

    @master_only
    def dump_config(self) -> None:
        name = self.cfg.filename and os.path.basename(self.cfg.filename)
        path = os.path.join(self.work_dir, name or f"{self.timestamp}.py")
        try:
            write_own(path, self.cfg.dump())
        except ForeignFile:
            self.logger.warning(
                f"{path} is not a copy that a run has put there, or was changed since: "
                f"it stays as it is. This run's config is in {self.log_dir}"
            )

    Runner.dump_config = dump_config
