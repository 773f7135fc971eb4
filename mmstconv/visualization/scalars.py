"""Curves that cannot be written end no training."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable

from mmengine.logging import print_log

from ..private_names import wrap_curve_writer


def write_scalars_if_possible() -> None:
    """Lets MMAction2's ``LocalVisBackend`` go on where it cannot write.

    It opens its file anew for each line, so a folder that was deleted or became
    read-only, or a full disk, would end the run, with all since the last checkpoint.
    The folder is made again where that goes; else one warning names the file.
    """
    told: set[str] = set()

    def if_possible(write: Callable) -> Callable:
        def dump(self, value_dict: dict, file_path: str, file_format: str) -> None:
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
                        f"{file_path} cannot be written ({error.strerror}): the curves "
                        "end here, the run goes on"
                    )

        return dump

    wrap_curve_writer(if_possible)


def _warn(text: str) -> None:
    print_log(text, logger="current", level=logging.WARNING)
