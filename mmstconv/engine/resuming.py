"""Which checkpoint a run goes on from."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from mmengine.dist import broadcast_object_list, is_main_process
from mmengine.fileio import LocalBackend, get_file_backend, join_path
from mmengine.runner import find_latest_checkpoint

from ..checkpoints.entries import check_entries, check_resumable
from ..checkpoints.reading import TrustError, read_checkpoint
from ..private_names import checkpoint_of, is_resuming, resume_from, start_from
from .runner_parts import checkpoint_hook

TEMPLATES = ("epoch_{}.pth", "iter_{}.pth")
POINTER = "last_checkpoint"


def choose_checkpoint(runner) -> None:
    """Decide what a run that resumes goes on from, before MMEngine does.

    MMEngine follows what ``last_checkpoint`` says, wherever it leads, and ends with an
    error if that file is broken, gone or not on this machine. Here the candidates are
    the checkpoints in the folder that the run saves to: the one that
    ``last_checkpoint`` names, then the others, newest first. The first that is whole
    is taken; those passed over are named in a warning. The first process chooses for
    all. A run whose checkpoint hook keeps others out of the folder does so before
    anything is read there.

    Does nothing if the run does not resume or names its checkpoint. Afterwards the
    runner resumes from the checkpoint that was chosen. If there is none, it does not
    resume and loads what ``tools/train.py`` found in the config, so that a fine-tuning
    that is started with ``--resume`` begins from its weights.

    Raises:
        ValueError: There are checkpoints, but none is whole; or the newest one needs
            trust.
        FolderInUse: Another training is at work in the folder.
    """
    keep_out = getattr(checkpoint_hook(runner), "hold", None)
    if keep_out is not None:
        keep_out(runner)
    if not is_resuming(runner) or checkpoint_of(runner):
        return
    choice: list = [None, None]
    if is_main_process():
        try:
            choice[0] = newest_whole(runner)
        except Exception as error:  # the others wait for an answer
            choice[1] = error
    broadcast_object_list(choice)
    path, error = choice
    if error is not None:
        raise error
    if path is None:
        start = runner.cfg.get("start_from")
        runner.logger.warning(
            f"nothing to resume in {runner.work_dir}: training starts anew"
            + (f" from {start}" if start else "")
        )
        start_from(runner, start)
    else:
        runner.logger.info(f"resuming from {path}")
        resume_from(runner, path)


def newest_whole(runner) -> str | None:
    """The newest checkpoint of a run that is whole; None if there is none at all."""
    folder = saving_folder(runner)
    if not is_local(folder):
        latest = find_latest_checkpoint(runner.work_dir)
        return latest if latest and latest.startswith(f"{folder}/") else None
    pointed = _pointed(runner)
    broken = []
    if pointed and not Path(folder, pointed).is_file():
        broken.append(f"{folder}/{pointed}: no such file, but {POINTER} names it")
    for path in _candidates(Path(folder), pointed, _templates(runner)):
        try:
            check_whole(path)
        except TrustError:
            raise
        except FileNotFoundError:  # a run that could not be kept out has replaced it
            broken.append(f"{path}: was removed while it was read")
        except ValueError as error:
            broken.append(str(error))
        else:
            if broken:
                runner.logger.warning(
                    "checkpoints that are broken are passed over:\n  "
                    + "\n  ".join(broken)
                )
            return str(path)
    if broken:
        raise ValueError(
            f"cannot resume: no checkpoint in {folder} is whole:\n  "
            + "\n  ".join(broken)
            + f"\nTo start anew, leave --resume out or delete these and {POINTER}"
        )
    return None


def check_whole(path: str | os.PathLike) -> None:
    """Read a checkpoint to its last byte.

    Raises:
        ValueError: It is broken, or no checkpoint that training can go on from.
    """
    checkpoint = read_checkpoint(path)
    check_entries(path, checkpoint)
    check_resumable(path, checkpoint)


def saving_folder(runner) -> str:
    """Where a run's checkpoints are, as its hook will find it before training."""
    folder = getattr(checkpoint_hook(runner), "out_dir", None)
    if folder in (None, runner.work_dir):
        return runner.work_dir
    return join_path(folder, os.path.basename(runner.work_dir.rstrip(os.sep)))


def is_local(folder: str) -> bool:
    return isinstance(get_file_backend(folder), LocalBackend)


def _pointed(runner) -> str:
    """The name in ``last_checkpoint``.

    Only the name: its folder is the run's, wherever that has been moved to.
    """
    pointer = Path(runner.work_dir, POINTER)
    if not pointer.is_file():
        return ""
    with pointer.open("rb") as file:
        text = os.fsdecode(file.read(4096)).strip()
    return text.replace("\\", "/").rsplit("/", 1)[-1]


def _templates(runner) -> set[str]:
    own = getattr(checkpoint_hook(runner), "filename_tmpl", TEMPLATES[0])
    return {own, *TEMPLATES}


def _candidates(folder: Path, pointed: str, templates: set[str]) -> list[Path]:
    """Checkpoints of a run in a folder: the one that is pointed at, then by age."""
    numbered = [
        re.compile(r"(\d+)".join(map(re.escape, re.split(r"\{[^}]*\}", template))))
        for template in templates
    ]
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        match = next(filter(None, (p.fullmatch(path.name) for p in numbered)), None)
        if not match and path.name != pointed:
            continue
        try:
            status = path.stat()
        except OSError:  # removed meanwhile, or a link to nothing
            continue
        if stat.S_ISREG(status.st_mode):
            number = int(match[1]) if match else -1
            found[path] = (path.name == pointed, status.st_mtime_ns, number)
    return sorted(found, key=found.__getitem__, reverse=True)
