from __future__ import annotations

from mmaction.registry import HOOKS
from mmengine.hooks import Hook

from ...checkpoints.plain import make_plain, restore_history

__all__ = ["SafeCheckpointHook", "make_plain", "restore_history"]


@HOOKS.register_module()
class SafeCheckpointHook(Hook):
    """Write checkpoints that torch's safe loading (``weights_only=True``) opens.

    Importing mmstconv does this for every checkpoint that MMEngine saves; the hook
    does it before other hooks see the checkpoint.
    """

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        make_plain(checkpoint)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        restore_history(checkpoint)
