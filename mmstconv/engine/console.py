"""The screen shows what is about this run; the log file has everything."""

from __future__ import annotations

import logging
import re

from mmengine.logging import MMLogger
from mmengine.runner import Runner

# Beginnings of what MMEngine says at the start of every run, or of every epoch.
OF_THE_FILE_ONLY = re.compile(
    r"\n-+\nSystem environment:"
    r"|Config:\n"
    r"|Hooks will be executed in the following order:"
    r"|Distributed training is not used, all SyncBatchNorm"
    r"|Exp name: "
    # a line for each weight that has an option of its own, and each that is frozen
    r"|paramwise_options -- "
    r"|\S+ is skipped since its requires_grad=False"
    # MMEngine's own hooks use these former names
    r'|"FileClient" will be deprecated in future'
    r'|"HardDiskBackend" is the alias of "LocalBackend"'
)


def is_about_the_run(record: logging.LogRecord) -> bool:
    """Filter of a log handler: False for what every run says in the same words."""
    return not OF_THE_FILE_ONLY.match(record.getMessage())


class ConsoleRunner(Runner):
    """MMEngine's ``Runner`` that tells the screen less than the log file."""

    def build_logger(self, *args, **kwargs) -> MMLogger:
        logger = super().build_logger(*args, **kwargs)
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                handler.addFilter(is_about_the_run)
        return logger
