"""Loss weights by how well each stream generalises (Gradient Blending)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from math import isfinite
from pathlib import Path

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, is_main_process
from mmengine.hooks import Hook

from ...disk import write_own
from ...private_names import is_resuming
from ..runner_parts import joint_model

FUSED = "fused"
FLOOR = 0.01


@HOOKS.register_module()
class GradientBlendingHook(Hook):
    """Weigh the losses by how well each branch generalises (Gradient Blending).

    `What Makes Training Multi-Modal Classification Networks Hard?
    <https://arxiv.org/abs/1905.12681>`_. The branches are the streams, by their
    auxiliary losses, and the fused scores. Between two validations n and N, with
    losses T in training and V in validation, branch k has

    - generalised by ``G_k = V_k(n) - V_k(N)``,
    - overfitted by ``O_k = (V_k(N) - T_k(N)) - (V_k(n) - T_k(n))``,

    and gets the weight ``w_k = G_k / O_k^2 / Z``, all weights of sum 1. T of a
    validation is the mean since the validation before it, as training sees it.

    Online (``apply=True``), every ``interval`` validations the weights are estimated
    over the last ``interval`` of them and set; until the second validation those of
    the config hold. Offline (``apply=False``) the weights stay as they are and the
    estimate is over the whole run, to be put into the config of the next. The
    paper trains each branch apart for the estimate; here all are estimated in the
    joint run, at no cost.

    Both write estimate and losses into ``gradient_blending.json`` in the work
    directory. Weights and losses travel with checkpoints, within an epoch too.

    Where the formula has no answer: G and O^2 count as no less than a hundredth of the
    largest among the branches, so a branch that got worse keeps a little weight and
    one without overfitting does not take all. If no branch got better, the weights
    stay.

    The validation losses are those of ``ModalityMetric``, which ``val_evaluator`` must
    name. It measures cross entropy (binary, of a head with ``multi_class``), so the
    training loss should be that too.

    Args:
        interval: Validations from one estimate to the next.
        apply: Set the weights, or only write them.

    Raises:
        TypeError: The model has no streams.
        ValueError: There are no auxiliary losses, or no validation with
            ``ModalityMetric``.
    """

    STATE = "mmstconv_gradient_blending"

    def __init__(self, *, interval: int = 1, apply: bool = True) -> None:
        if interval < 1:
            raise ValueError(f"interval must be at least 1, got {interval}")
        self.interval = interval
        self.apply = apply
        self.history: list[dict] = []
        self.weights: dict[str, float] = {}
        self._totals: dict[str, list[float]] = {}  # sum and count, of all processes

    def before_train(self, runner) -> None:
        _, self._head = joint_model(runner, type(self).__name__)
        if not self._head.aux_loss_weight or self._head.loss_weight <= 0:
            raise ValueError(
                f"{type(self).__name__} weighs the losses of the streams and the fused "
                "one: set aux_loss_weight and loss_weight of model.cls_head above 0, "
                f"got {self._head.aux_loss_weight} and {self._head.loss_weight}"
            )
        if runner.val_loop is None:
            raise ValueError(
                f"{type(self).__name__} reads validation losses: set val_dataloader, "
                "val_cfg and val_evaluator"
            )
        self._branches = [FUSED, *self._head.aux_loss_weight]
        if self.apply and self.weights:
            self._set(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        samples = data_batch["data_samples"]
        own = torch.zeros(len(self._branches), 2, dtype=torch.float64)
        for row, branch in zip(own, self._branches):
            weight, key = self._head.loss_weight, "loss_cls"
            count = len(samples)
            if branch != FUSED:
                weight, key = self._head.aux_loss_weight[branch], f"loss_aux_{branch}"
                count = sum(_has(sample, branch) for sample in samples)
            value = outputs[key].item() / weight
            # Exactly zero: modality dropout has left no sample with this modality.
            if count and (branch == FUSED or value):
                row[0], row[1] = value * count, count
        # Each step, since any of them may be followed by a checkpoint, which one
        # process writes.
        all_reduce(own)
        for branch, (total, count) in zip(self._branches, own.tolist()):
            pair = self._totals.setdefault(branch, [0.0, 0.0])
            self._totals[branch] = [pair[0] + total, pair[1] + count]

    def after_val_epoch(self, runner, metrics: dict | None = None) -> None:
        if not hasattr(self, "_branches"):  # validation alone
            return
        train = {
            branch: total / count
            for branch, (total, count) in self._totals.items()
            if count
        }
        self._totals = {}
        losses = dict(epoch=runner.epoch, train=train, val=self._read(metrics or {}))
        self.history.append(losses)
        count = len(self.history) - 1
        window = self.interval if self.apply else count
        if count and count % window == 0:
            self._estimate(runner, self.history[-1 - window], losses)
        self._write(runner)

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        checkpoint[self.STATE] = dict(
            history=self.history, weights=self.weights, totals=self._totals
        )

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        state = checkpoint.get(self.STATE)
        if state and is_resuming(runner):  # not if it starts another run
            self.history = list(state["history"])
            self.weights = dict(state["weights"])
            self._totals = {key: list(pair) for key, pair in state["totals"].items()}

    def _read(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Validation losses; the metric may have any prefix."""
        losses = {}
        for branch in self._branches:
            key = "nll/fused" if branch == FUSED else f"nll/stream_{branch}"
            found = [v for k, v in metrics.items() if f"/{k}".endswith(f"/{key}")]
            if not found:
                raise ValueError(
                    f"{type(self).__name__}: the validation gives no {key!r}, only "
                    f"{sorted(metrics)}; val_evaluator must contain "
                    "dict(type='ModalityMetric')"
                )
            losses[branch] = float(found[0])
        return losses

    def _estimate(self, runner, first: Mapping, last: Mapping) -> None:
        weights = blend(first, last)
        if weights is None:
            runner.logger.warning(
                f"gradient blending: from epoch {first['epoch']} to {last['epoch']} no "
                "branch got better in validation, or a loss is missing or not finite; "
                "the weights stay"
            )
            return
        self.weights = weights
        text = ", ".join(f"{name} {weight:.4f}" for name, weight in weights.items())
        runner.logger.info(
            f"gradient blending, epochs {first['epoch']} to {last['epoch']}: {text}"
        )
        if self.apply:
            self._set(runner)

    def _set(self, runner) -> None:
        self._head.loss_weight = self.weights[FUSED]
        for name in self._head.aux_loss_weight:
            self._head.aux_loss_weight[name] = self.weights[name]
        for name, weight in self.weights.items():
            runner.message_hub.update_scalar(f"train/blend_{name}", weight)

    def _write(self, runner) -> None:
        if not is_main_process():
            return
        report: dict = dict(weights=self.weights or None, history=self.history)
        if self.weights:
            aux = {name: w for name, w in self.weights.items() if name != FUSED}
            report["cls_head"] = dict(
                loss_weight=self.weights[FUSED], aux_loss_weight=aux
            )
        path = Path(runner.work_dir, "gradient_blending.json")
        try:
            write_own(path, json.dumps(report, indent=2) + "\n")
        except OSError as error:  # the weights are in the log and in checkpoints
            runner.logger.warning(f"the estimates were not written: {error}")


def blend(
    first: Mapping, last: Mapping, floor: float = FLOOR
) -> dict[str, float] | None:
    """Weights of the branches, of sum 1.

    Args:
        first: ``dict(train={branch: loss}, val={branch: loss})`` of one validation.
        last: The same of a later one.
        floor: Least G and O^2, relative to the largest.

    Returns:
        None if no branch generalised, or a loss is missing or not finite.
    """
    better, overfit = {}, {}
    for branch in last["val"]:
        losses = [
            one[split].get(branch)
            for one in (first, last)
            for split in ("train", "val")
        ]
        if any(loss is None or not isfinite(loss) for loss in losses):
            return None
        train_n, val_n, train_later, val_later = losses
        better[branch] = val_n - val_later
        overfit[branch] = ((val_later - train_later) - (val_n - train_n)) ** 2
    most = max(better.values())
    if most <= 0:
        return None
    worst = max(overfit.values()) or 1.0  # no overfitting anywhere: G alone decides
    ratio = {
        branch: max(better[branch], floor * most) / max(overfit[branch], floor * worst)
        for branch in better
    }
    total = sum(ratio.values())
    return {branch: value / total for branch, value in ratio.items()}


def _has(sample, modality: str) -> bool:
    return bool((sample.get("presence", None) or {}).get(modality, True))
