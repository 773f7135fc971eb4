"""Curves that cannot be written end no training."""

from __future__ import annotations

import logging
import os

from mmaction.visualization.video_backend import LocalVisBackend
from mmengine.logging import print_log


def write_scalars_if_possible() -> None:
    """Lets MMAction2's ``LocalVisBackend`` go on where it cannot write.

    It opens its file anew for each line, so a folder that was deleted or became
    read-only, or a full disk, would end the run, with all since the last checkpoint.
    The folder is made again where that goes; else one warning names the file.
    """
    write = LocalVisBackend._dump
    told: set[str] = set()

    def _dump(self, value_dict: dict, file_path: str, file_format: str) -> None:
        folder = os.path.dirname(file_path)
        try:
            if not os.path.isdir(folder):
                os.makedirs(folder)
                _warn(f"{folder} had been deleted and was made again")
            write(self, value_dict, file_path, file_format)
        except OSError as error:
            if file_path not in told:
                told.add(file_path)
                _warn(
                    f"{file_path} cannot be written ({error.strerror}): the curves end "
                    "here, the run goes on"
                )

    LocalVisBackend._dump = _dump


def _warn(text: str) -> None:
    print_log(text, logger="current", level=logging.WARNING)
