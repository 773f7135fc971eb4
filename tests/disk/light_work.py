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
