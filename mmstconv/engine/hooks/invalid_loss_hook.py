"""Training stops when a loss, weight or statistic is NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite

import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_gather_object, all_reduce
from mmengine.hooks import Hook
from mmengine.runner import find_latest_checkpoint
from torch import Tensor

from ..batch import filenames, not_finite
from ..runner_parts import unwrap

ADVICE = (
    "Lower the learning rate (--cfg-options optim_wrapper.optimizer.lr=...), or clip "
    "the gradients (--cfg-options optim_wrapper.clip_grad.max_norm=40)"
)


class InvalidLossError(FloatingPointError):
    """A loss, or what training has made of the weights, is NaN or infinite."""


@HOOKS.register_module()
class InvalidLossHook(Hook):
    """Stop when the numbers go bad, before a checkpoint of them is written.

    After each iteration every term ``loss*`` of the model must be finite, in all
    processes: they stop together. MMEngine's log fetches these numbers anyway; several
    processes exchange one number more a step.

    A loss can be finite and the step it causes not. So weights, running statistics
    and the optimizer's state must be finite too when a checkpoint is to be written.

    With loss scaling (``--amp``) gradients that overflow are no fault: the scaler
    skips that step, and the loss itself is finite. But a loss that is not finite was
    so before it was scaled, which no other scale repairs; training stops there too.

    Raises:
        InvalidLossError: Names epoch, iteration, learning rate, the terms of the loss
            and the files of the batch, those apart whose input is not finite.
    """

    priority = "HIGH"

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        losses = {
            name: value.item() if isinstance(value, Tensor) else float(value)
            for name, value in (outputs or {}).items()
            if name.startswith("loss")
        }
        bad = not all(map(isfinite, losses.values()))
        if runner.world_size > 1:
            any_bad = torch.tensor(float(bad))
            all_reduce(any_bad, op="max")
            if not any_bad:
                return
        elif not bad:
            return
        text = batch_report(losses, data_batch) if bad else ""
        reports = [report for report in all_gather_object(text) if report]
        raise InvalidLossError(
            f"the loss is not finite in {where(runner)} (batch {batch_idx + 1} of the "
            f"epoch)\n" + "\n".join(reports) + f"\n{aftermath(runner)}"
        )

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        names = {name for name, _ in unwrap(runner.model).named_parameters()}
        state = {
            key: value
            for key, value in checkpoint["state_dict"].items()
            if key in names or key.endswith((".running_mean", ".running_var"))
        }
        bad = list(_not_finite(state, "model"))
        bad += _not_finite(checkpoint.get("optimizer", {}), "optimizer")
        if bad:
            more = f" and {len(bad) - 5} more" if len(bad) > 5 else ""
            raise InvalidLossError(
                f"not saved: the last step, of {where(runner)}, has left values that "
                f"are not finite in {', '.join(bad[:5])}{more}\n{aftermath(runner)}"
            )


def where(runner) -> str:
    rates = list(_flat(runner.optim_wrapper.get_lr()))
    low, high = min(rates), max(rates)
    rate = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    now = f"epoch {runner.epoch + 1}, iteration {runner.iter + 1}"
    return f"{now}, at learning rate {rate}"


def batch_report(losses: Mapping[str, float], batch: object) -> str:
    """The terms of the loss, the files, and which input is not finite itself."""
    lines = [
        "  " + ", ".join(f"{name} {value:g}" for name, value in losses.items()),
        "  files: " + ", ".join(filenames(batch) or ["not known"]),
    ]
    inputs = not_finite(batch)
    if inputs:
        lines.append("  not finite already in the input: " + ", ".join(inputs))
    return "\n".join(lines)


def aftermath(runner) -> str:
    last = find_latest_checkpoint(runner.work_dir)
    saved = f"The latest checkpoint is {last}." if last else "No checkpoint was saved."
    amp = hasattr(runner.optim_wrapper, "loss_scaler")
    half = ", or train in bfloat16 (optim_wrapper.dtype=bfloat16)" if amp else ""
    return f"{saved} {ADVICE}{half}."


def _flat(value) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _flat(item)
    else:
        yield value


def _not_finite(value, name: str) -> Iterator[str]:
    """Names of the tensors inside that are not finite."""
    if isinstance(value, Tensor):
        if value.is_floating_point() and not torch.isfinite(value).all():
            yield name
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _not_finite(item, f"{name}.{key}")
    elif isinstance(value, (list, tuple)):
        for key, item in enumerate(value):
            yield from _not_finite(item, f"{name}.{key}")
