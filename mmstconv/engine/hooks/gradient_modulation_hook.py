"""Smaller gradients for the streams that are ahead (OGM-GE)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import tanh

import numpy as np
import torch
from mmaction.registry import HOOKS
from mmengine.dist import all_reduce, broadcast
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, OptimWrapperDict
from torch import Tensor, nn

from ...private_names import conv_class
from ..runner_parts import joint_model


@HOOKS.register_module()
class GradientModulationHook(Hook):
    """Slow down the streams that are ahead of the others (OGM-GE).

    `Balanced Multimodal Learning via On-the-fly Gradient Modulation
    <https://arxiv.org/abs/2203.15332>`_, section 3, stated there for two modalities,
    here for any number. In each step:

    - ``s_m``: mean probability that the head gives the right class from modality m
      alone, over the samples of the batch that have it;
    - ``rho_m = s_m / mean of the others' s``, for two modalities the paper's ratio;
    - ``k_m = 1 - tanh(alpha * rho_m)`` where ``rho_m > 1``, else 1;
    - the gradient g of each parameter of stream m becomes ``k_m g``;
    - with ``noise``, weights of convolutions get ``k_m g + h``, h of zero mean and of
      the standard deviation of g's elements (generalisation enhancement). The paper's
      h has the covariance of the gradient's own noise, which no single batch shows.

    A modality that no sample of the batch has is left alone and counts for no one.
    With gradient accumulation a step's confidences are those of all its batches. It
    acts after clipping and, with automatic mixed precision, on unscaled gradients.
    Processes draw the same noise; on GPUs that takes GPUs of one model.
    The coefficients are logged as ``modulation_{modality}``.

    Args:
        alpha: Strength; the larger, the less is left to a stream that is ahead.
        noise: Whether to add the noise.
        end: Epochs after which it stops. None: it acts to the end.

    Raises:
        TypeError: The model has no streams, or several optimizers.
        ValueError: ``alpha`` or ``end`` is not positive.
    """

    def __init__(
        self, *, alpha: float = 0.5, noise: bool = True, end: int | None = None
    ) -> None:
        if alpha <= 0:
            raise ValueError(f"alpha must be positive, got {alpha}")
        if end is not None and end < 1:
            raise ValueError(f"end must be at least 1, got {end}")
        self.alpha = alpha
        self.noise = noise
        self.end = end
        self._handle = None

    def before_train(self, runner) -> None:
        self._streams, self._head = joint_model(runner, type(self).__name__)
        optim_wrapper = runner.optim_wrapper
        several = isinstance(optim_wrapper, OptimWrapperDict)
        if several or not isinstance(optim_wrapper, OptimWrapper):
            raise TypeError(
                f"{type(self).__name__} needs one optimizer for all streams, got "
                f"{type(optim_wrapper).__name__}: use one OptimWrapper, with "
                "paramwise_cfg for learning rates per stream"
            )
        seed = torch.tensor(runner.seed)  # randomness.diff_rank_seed: one per process
        broadcast(seed)
        self._seed = seed.item()
        self._earlier: dict[str, Tensor] = {}  # of batches accumulated before this
        self._remove()
        self._handle = optim_wrapper.optimizer.register_step_pre_hook(
            lambda *_: self._modulate(runner)
        )

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        self._head.track_confidence = self._acts(runner)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        stepped = runner.optim_wrapper.should_update()
        self._earlier = {} if stepped else self._confidence()

    def after_train(self, runner) -> None:
        self._head.track_confidence = False
        self._remove()

    def _remove(self) -> None:
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    def _acts(self, runner) -> bool:
        return self.end is None or runner.epoch < self.end

    def _confidence(self) -> dict[str, Tensor]:
        """Sum and count by modality, of all batches since the last step."""
        return {
            name: self._earlier.get(name, 0) + value.double()
            for name, value in self._head.confidence.items()
        }

    @torch.no_grad()
    def _modulate(self, runner) -> None:
        if not self._acts(runner):
            return
        confidence = self._confidence()
        total = torch.stack([confidence[name] for name in self._streams])  # (K, 2)
        all_reduce(total)
        mean = {
            name: right / count
            for name, (right, count) in zip(self._streams, total.tolist())
            if count
        }
        generators: dict[torch.device, torch.Generator] = {}
        for name, k in coefficients(mean, self.alpha).items():
            stream = self._streams[name]
            noisy = set(convolution_weights(stream)) if self.noise else set()
            for parameter in stream.parameters():
                gradient = parameter.grad
                if gradient is None:
                    continue
                h = None
                if parameter in noisy:
                    device = gradient.device
                    if device not in generators:
                        generators[device] = step_generator(
                            self._seed, runner.iter, device
                        )
                    h = noise_like(gradient, generators[device])
                if k != 1:
                    gradient.mul_(k)
                if h is not None:
                    gradient.add_(h)
            runner.message_hub.update_scalar(f"train/modulation_{name}", k)


def coefficients(confidence: Mapping[str, float], alpha: float) -> dict[str, float]:
    """``k_m`` of each modality that has a mean confidence; 1 if it has no rival."""
    result = {}
    for name, own in confidence.items():
        others = [value for other, value in confidence.items() if other != name]
        rival = sum(others) / len(others) if others else own
        if own > rival:
            ratio = own / rival if rival else float("inf")
            result[name] = 1 - tanh(alpha * ratio)
        else:
            result[name] = 1.0
    return result


def convolution_weights(module: nn.Module) -> Iterator[nn.Parameter]:
    for child in module.modules():
        if isinstance(child, conv_class()):
            yield child.weight


def step_generator(
    seed: int, iteration: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """The same in every process and after resuming, another in each step."""
    (state,) = np.random.SeedSequence([seed, iteration]).generate_state(1)
    return torch.Generator(device).manual_seed(int(state))


def noise_like(gradient: Tensor, generator: torch.Generator) -> Tensor:
    """Gaussian, of zero mean and of the standard deviation of ``gradient``."""
    h = torch.empty_like(gradient).normal_(generator=generator)
    return h.mul_(gradient.std(correction=0))
