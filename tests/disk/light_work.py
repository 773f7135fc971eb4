"""Work for other processes that import nothing else."""

import os
import signal
import time


def times_ten(job: int) -> int:
    if job == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    return 10 * job


def slow_after_the_first(job: int) -> int:
    if job > 1:
        time.sleep(60)
    return job


def by_name(path, full: bool):
    """As check_file, of a name that says what its decoder does."""
    from mmstconv.media.checking.file_check import FileCheck

    if path.name == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if path.name == "hang":
        time.sleep(60)
    return FileCheck(path)
