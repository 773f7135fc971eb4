from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import HistoryBuffer

HISTORY = "mmstconv_history_buffer"


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Write checkpoints that torch's safe loading (``weights_only=True``) opens.

    MMEngine 0.10 stores ``HistoryBuffer`` objects and numpy scalars, which
    torch >= 2.6 refuses to unpickle: such a file cannot be resumed, tested or
    published. Before saving they become plain values and tensors; after loading the
    logging history becomes ``HistoryBuffer`` again, so that resuming keeps it.

    For configs with MMEngine's ``CheckpointHook``: ``AtomicCheckpointHook`` does the
    same.
    """

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        make_plain(checkpoint)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        restore_history(checkpoint)


def make_plain(checkpoint: dict) -> None:
    """Replace what needs trust to unpickle, in place."""
    for key, value in checkpoint.items():
        checkpoint[key] = _plain(value)


def restore_history(checkpoint: dict) -> None:
    """Undo :func:`make_plain` for the logging history, in place."""
    scalars = checkpoint.get("message_hub", {}).get("log_scalars", {})
    for key, value in scalars.items():
        if isinstance(value, dict) and HISTORY in value:
            log, count, max_length = value[HISTORY]
            scalars[key] = HistoryBuffer(log.numpy(), count.numpy(), max_length)


def _plain(value):
    """The same nested value without objects that need trust to unpickle."""
    if isinstance(value, HistoryBuffer):
        log, count = (torch.from_numpy(np.array(x)) for x in value.data)
        return {HISTORY: (log, count, value.max_length)}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value)
    if isinstance(value, OrderedDict):
        # a state_dict carries its version as an attribute: keep the very object
        for key, item in value.items():
            value[key] = _plain(item)
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return type(value)(_plain(item) for item in value)
    return value
