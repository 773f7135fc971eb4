"""Checkpoints that are whole, whenever a run is killed or a disk fails."""

from __future__ import annotations

import os
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from mmaction.registry import HOOKS
from mmengine.dist import all_reduce_params, is_main_process
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook

from ...disk import FolderLock, remove_unfinished
from ...private_names import checkpoint_of, is_resuming, uses_private
from ..resuming import POINTER, choose_checkpoint, is_local, saving_folder
from ..runner_parts import is_training
from ..whole_files import WholeFilesBackend
from ..work_dir import hold


class CheckpointNotSaved(OSError):
    """A checkpoint could not be written; names the one that is whole."""


@HOOKS.register_module()
@uses_private("_save_checkpoint_with_step", "_save_best_checkpoint")
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook`` that at every instant leaves a whole checkpoint.

    - A checkpoint, and ``last_checkpoint``, is written to a temporary name in the same
      folder, brought to the disk and renamed. An outdated one is removed when the new
      one is whole and ``last_checkpoint`` names it; so is the previous best. The disk
      must have room for one more than ``max_keep_ckpts`` (and the best).
    - One training at a time is at work in a folder; another is told which one it is.
      What killed runs left half written is removed.
    - A run that resumes takes the newest checkpoint that is whole
      (:func:`~mmstconv.engine.resuming.choose_checkpoint`).
    - Of files that a checkpoint names as the run's own, which are going to be removed,
      only those in the run's folder are believed.

    Arguments and all else as of ``CheckpointHook``. An ``out_dir`` that is not on a
    local disk is written MMEngine's way.

    Raises:
        CheckpointNotSaved: The disk is full or fails. An ``OSError``; names file,
            reason, space, and the checkpoint that is whole. Where there is none, this
            one goes to the folder for temporary files, so that nothing is lost.
        FolderInUse: Another training is at work in the folder. An ``OSError``.
    """

    _whole: str | None = None
    _locks: Sequence[FolderLock] | None = None  # None: not asked for yet

    def before_run(self, runner) -> None:
        if is_training(runner):
            self.hold(runner)
            choose_checkpoint(runner)

    def hold(self, runner) -> None:
        """Keep other trainings out of this one's folders, if that is not done yet.

        Hooks that run before this one call it before they read anything there.

        Raises:
            FolderInUse: Another training is at work there.
        """
        if self._locks is None:
            self._locks = hold(runner)

    def after_run(self, runner) -> None:
        for lock in self._locks or ():
            lock.release()
        self._locks = None

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        if is_resuming(runner):
            self._whole = checkpoint_of(runner)
            info = checkpoint.get("message_hub", {}).get("runtime_info", {})
            _believe_own_files(info, saving_folder(runner))

    def before_train(self, runner) -> None:
        super().before_train(runner)
        if not isinstance(self.file_backend, LocalBackend):
            return
        if is_main_process():
            for folder in {str(self.out_dir), runner.work_dir}:
                for path in remove_unfinished(folder):
                    runner.logger.info(f"removed {path}, left by a run that was killed")
        self.file_backend = WholeFilesBackend()
        self.backend_args = dict(backend="mmstconv")

    def _save_checkpoint_with_step(self, runner, step: int, meta: dict) -> None:
        if not self.by_epoch:
            # Running statistics are each process's own until an epoch ends; one
            # process saves, and all go on from that.
            all_reduce_params(runner.model.buffers(), op="mean")
        if not isinstance(self.file_backend, WholeFilesBackend):
            super()._save_checkpoint_with_step(runner, step, meta)
            return
        kept = [one for one in getattr(self, "keep_ckpt_ids", ()) if one != step]
        kept.append(step)
        name = self.filename_tmpl.format(step)
        last = self.file_backend.join_path(self.out_dir, name)

        def save(folder: str, backend_args: dict | None) -> None:
            runner.save_checkpoint(
                folder,
                name,
                self.file_client_args,
                save_optimizer=self.save_optimizer,
                save_param_scheduler=self.save_param_scheduler,
                meta=meta,
                by_epoch=self.by_epoch,
                backend_args=backend_args,
                **self.args,
            )

        if self.max_keep_ckpts > 0:
            # Those to be removed are still in the list that is saved: a run that is
            # killed between the two removes them when it is resumed.
            runner.message_hub.update_info("keep_ckpt_ids", kept)
        runner.message_hub.update_info("last_ckpt", last)
        with self._explain(partial(save, backend_args=None)):
            save(self.out_dir, self.backend_args)
            if is_main_process():
                pointer = Path(runner.work_dir, POINTER)
                self.file_backend.put(os.fsencode(last), pointer)
        self.last_ckpt = self._whole = last
        if self.max_keep_ckpts > 0:
            for outdated in kept[: -self.max_keep_ckpts]:
                path = self.filename_tmpl.format(outdated)
                self.file_backend.remove(os.path.join(self.out_dir, path))
            self.keep_ckpt_ids = deque(kept[-self.max_keep_ckpts :])
            runner.message_hub.update_info("keep_ckpt_ids", list(self.keep_ckpt_ids))
        self._remove_outdated()

    def _save_best_checkpoint(self, runner, metrics: dict) -> None:
        with self._explain():
            super()._save_best_checkpoint(runner, metrics)
        self._remove_outdated()

    def _remove_outdated(self) -> None:
        if is_main_process() and isinstance(self.file_backend, WholeFilesBackend):
            best = getattr(self, "best_ckpt_path_dict", {}).values()
            keep = {self.last_ckpt, getattr(self, "best_ckpt_path", None), *best}
            self.file_backend.remove_outdated(keep=keep)

    @contextmanager
    def _explain(self, save: Callable[[str], None] | None = None) -> Iterator[None]:
        """Says what is left where a checkpoint could not be written.

        Args:
            save: Writes it to another folder.
        """
        try:
            yield
        except CheckpointNotSaved:
            raise
        except OSError as error:
            message = f"{error.strerror or error}. {self._what_is_left(save)}"
            raise CheckpointNotSaved(error.errno, message) from error

    def _what_is_left(self, save: Callable[[str], None] | None) -> str:
        if self._whole and os.path.isfile(self._whole):
            return (
                f"The last whole checkpoint is {self._whole}: make room and go on with "
                "--resume"
            )
        gone = f"{self._whole} is gone" if self._whole else "There is no earlier one"
        if save is None:
            return gone
        try:
            folder = tempfile.mkdtemp(prefix="mmstconv_saved_")
            save(folder)
            (saved,) = Path(folder).iterdir()
        except (OSError, ValueError):
            return (
                f"{gone}, and it could not be saved to {tempfile.gettempdir()} either"
            )
        return f"{gone}, so it was saved as {saved}: go on with --resume {saved}"


def _believe_own_files(info: dict, folder: str) -> None:
    """Leave of ``keep_ckpt_ids`` and ``best_ckpt*`` what can be this run's own."""
    for key, value in list(info.items()):
        if key == "keep_ckpt_ids":
            ids = value if isinstance(value, (list, tuple)) else ()
            info[key] = [one for one in ids if type(one) is int and one >= 0]
        elif key.startswith("best_ckpt"):
            name = str(value).replace("\\", "/").rsplit("/", 1)[-1]
            own = f"{folder.rstrip('/')}/{name}"
            exists = os.path.isfile(own) if is_local(folder) else value == own
            if name.startswith("best_") and exists:
                info[key] = own
            else:
                del info[key]
