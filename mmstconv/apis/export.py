"""Streams, joint and head as one graph of torch.export."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from ..private_names import lstm_as_loop

BATCH, TIME = 0, 3  # axes of (N, M, C, T, ...)


class _Graph(nn.Module):
    """A recognizer as a function of tensors."""

    def __init__(self, model: nn.Module, stage: str) -> None:
        super().__init__()
        self.model = model
        self.stage = stage

    def forward(
        self, inputs: Mapping[str, Tensor], presence: Mapping[str, Tensor]
    ) -> object:
        return self.model(inputs, presence=presence, stage=self.stage)


def export_model(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    presence: Mapping[str, Tensor] | None = None,
    *,
    stage: str = "head",
) -> ExportedProgram:
    """Export a recognizer for other programs (``torch.export``, ONNX, AOTInductor).

    The graph takes ``(inputs, presence)`` as given here, for any number of samples from
    two on, and, where a stream's network does not pad time, clips of any length that
    gives a few steps. All rows go through all streams; what an absent modality holds
    changes nothing.

    Args:
        model: A ``TriModalRecognizer``; is put into evaluation mode.
        inputs: An example, ``{modality: (N, M, ...)}`` as the data preprocessor gives
            it, N at least 2.
        presence: ``{modality: bool (N * M,)}``. None: all are present in the example.
        stage: As of ``TriModalRecognizer.extract_feat``: ``'head'``, ``'fusion'``,
            ``'steps'`` or ``'neck'``.

    Raises:
        ValueError: The example has a single sample, for which torch would make a graph
            of just that one.
    """
    for name, x in inputs.items():
        if x.shape[BATCH] < 2:
            raise ValueError(
                f"inputs[{name!r}] has {x.shape[BATCH]} sample: give two or more, "
                "else the graph is for a single one"
            )
    if presence is None:
        presence = {
            name: torch.ones(x.shape[0] * x.shape[1], dtype=torch.bool)
            for name, x in inputs.items()
        }
    inputs = {name: inputs[name] for name in model.streams}
    presence = {name: presence[name] for name in model.streams}
    dynamic = {
        name: _dynamic_axes(model.streams[name], x) for name, x in inputs.items()
    }
    any_time = any(TIME in axes for axes in dynamic.values())
    with lstm_as_loop() if any_time else nullcontext():
        return torch.export.export(
            _Graph(model.eval(), stage),
            (inputs, presence),
            dynamic_shapes=(dynamic, {name: {0: Dim.DYNAMIC} for name in presence}),
            strict=False,
            # torch cannot prove of every length in a range what holds for each
            prefer_deferred_runtime_asserts_over_guards=True,
        )


def _dynamic_axes(stream: nn.Module, x: Tensor) -> dict:
    """Axes of a stream's input that may have another size later."""
    frames = x.dim() > TIME + 1
    unpadded = not frames or stream.step_grid(x.shape[TIME]) is not None
    return dict.fromkeys((BATCH, TIME) if unpadded else (BATCH,), Dim.DYNAMIC)
