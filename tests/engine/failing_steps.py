"""Pipeline steps that fail for one file, as a broken decoder would."""

from __future__ import annotations

import os
import signal
import time

from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from torch.utils.data import get_worker_info


class _OnOneFile(BaseTransform):
    def __init__(self, name: str) -> None:
        self.name = name

    def transform(self, results: dict) -> dict:
        if results["filename"].endswith(self.name) and get_worker_info():
            self.fail()
        return results


@TRANSFORMS.register_module(force=True)
class KillOwnProcess(_OnOneFile):
    """As the system does when memory runs out."""

    def fail(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@TRANSFORMS.register_module(force=True)
class TakeLong(_OnOneFile):
    def __init__(self, name: str, seconds: float) -> None:
        super().__init__(name)
        self.seconds = seconds

    def fail(self) -> None:
        time.sleep(self.seconds)
