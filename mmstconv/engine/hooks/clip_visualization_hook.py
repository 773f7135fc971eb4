"""Pictures of predictions, for inputs that are a dict of modalities."""

from __future__ import annotations

from mmaction.engine.hooks import VisualizationHook
from mmaction.registry import HOOKS
from mmaction.structures import ActionDataSample

from ...private_names import uses_private


@HOOKS.register_module()
@uses_private("_draw_samples")
class ClipVisualizationHook(VisualizationHook):
    """MMAction2's ``VisualizationHook``, for inputs that are a dict of modalities.

    Shows the first clip of ``rgb``; passes over a batch without frames. Of several
    classes a sample, it shows the numbers and names of the right ones. Same arguments.
    (The original takes no axis of clips, and passes on a ``show`` that
    ``ActionVisualizer`` calls ``show_frames``: mmaction2 1.2.0.)
    """

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        self.draw_args["show_frames"] = self.draw_args.pop("show")

    def _draw_samples(self, batch_idx, data_batch, data_samples, step=0) -> None:
        clips = data_batch["inputs"].get("rgb")  # of each sample (M, 3, T, H, W)
        if clips is not None:
            first = dict(data_batch, inputs=[clip[0] for clip in clips])
            shown = [_with_numbers(sample) for sample in data_samples]
            super()._draw_samples(batch_idx, first, shown, step)


def _with_numbers(sample: ActionDataSample) -> ActionDataSample:
    """A copy with class numbers in the place of yes or no of each class."""
    if not sample.get("multi_class", False) or "gt_label" not in sample:
        return sample
    return sample.clone().set_gt_label(sample.gt_label.nonzero()[:, 0])
