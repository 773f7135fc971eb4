"""1D convolutional networks for sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mmaction.registry import MODELS
from torch import Tensor, nn

from ..layers import Pool, expand, read_pool
from .audio_archs import AUDIO_ARCHS
from .st_archs import Arch
from .trunk import ConvTrunk, pick_arch


def pool_sound(cfg: Mapping | None, ndim: int) -> nn.Module:
    """One pooling step over all axes from its config, or none."""
    if cfg is None:
        return nn.Identity()
    cfg = read_pool(cfg, "audio pooling")
    padding = cfg["padding"]
    if padding != "same":
        padding = expand(padding, ndim, "padding")
    return Pool(
        mode=cfg["mode"],
        size=expand(cfg["size"], ndim, "size"),
        stride=expand(cfg["stride"], ndim, "stride"),
        padding=padding,
        name="audio pooling",
    )


class SoundConvNet(ConvTrunk):
    """A trunk over sound that also takes what MMAction2's ``RecognizerAudio`` passes.

    That is a picture of time and bands, and a picture is what ``TSNAudioHead`` pools:
    its bands are one after the network.

    Shape:
        - Input: ``(N, bands, L)``, or a picture ``(N, channels, L, bands)``.
        - Output: ``(N, out_channels, L')``, or a picture ``(N, out_channels, L', 1)``.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 4:
            return self.run_sound(x)  # (N, C', L')
        bands = x.transpose(2, 3).flatten(1, 2)  # (N, channels * bands, L)
        try:
            return self.run_sound(bands).unsqueeze(3)  # (N, C', L', 1)
        except ValueError as error:
            raise ValueError(f"{error}, made of a picture {tuple(x.shape)}") from error

    def run_sound(self, x: Tensor) -> Tensor:
        """``(N, bands, L)`` to ``(N, out_channels, L')``."""
        return super().forward(x)


@MODELS.register_module()
class AudioConvNet(SoundConvNet):
    """Stages of 1D blocks along time, each followed by pooling.

    Log-mel bands are the channels of the first convolution; a raw waveform has
    one channel and asks for long, strided first kernels. Either a published network
    of :data:`AUDIO_ARCHS`, or stages of one's own:

    - ``'res1dnet31'``: `PANNs <https://arxiv.org/abs/1912.10211>`_' waveform network
      for 32 kHz. One time step out per 20,480 samples: 1.56 a second.
    - ``'soundnet8'``: `SoundNet <https://arxiv.org/abs/1610.09001>`_ for 22.05 kHz up
      to conv7. One time step out per 32,768 samples: 0.67 a second.

    Args:
        in_channels: Number of mel bands, or 1 for a waveform.
        stages: One mapping per stage: ``block='ConvBlock'``, ``num_blocks=1`` and
            the block's arguments (``channels``, ``kernel_size=3``, ``stride=1`` of
            the first block, ...), or ``blocks=[dict(type=..., ...), ...]``; and
            ``pool=None`` or ``dict(mode='max' | 'avg', size=, stride=size,
            padding=0 | 'same')``.
        arch: Name of a published network, instead of ``stages``.
        num_stages: Only the first so many stages; all if None. SoundNet's pool5 is the
            end of 5.
        norm_cfg: Norm layer, or None: then the convolutions have a bias. The arch's
            own, BN1d without an arch, if not given.
        act_cfg: Activation, or None.
        norm_eval: Keep batch norms at their running statistics in training.
        frozen_stages: The first so many stages do not train.
        with_cp: Gradient checkpointing: less memory, more time.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, in_channels, L)``, or ``(N, 1, L, in_channels)``.
        - Output: ``(N, out_channels, L')``, or ``(N, out_channels, L', 1)``.

    Raises:
        ValueError: Not one of ``arch`` and ``stages``, an unknown ``arch``, a
            ``num_stages`` that it does not have, or a stage that is not understood.

    Example:
        >>> net = AudioConvNet(
        ...     in_channels=64,
        ...     stages=[dict(channels=32, pool=dict(mode="max", size=2))],
        ... )
        >>> net(torch.rand(1, 64, 80)).shape
        torch.Size([1, 32, 40])
        >>> AudioConvNet(1, arch="res1dnet31")(torch.rand(1, 1, 40960)).shape
        torch.Size([1, 2048, 2])
    """

    ndim = 1
    pool_keys = ("pool",)
    axes = "L"

    def __init__(
        self,
        in_channels: int,
        stages: Sequence[Mapping] | None = None,
        *,
        arch: str | None = None,
        num_stages: int | None = None,
        norm_cfg: Mapping | str | None = "arch",
        act_cfg: Mapping | None = MappingProxyType({"type": "ReLU"}),
        norm_eval: bool = False,
        frozen_stages: int = 0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        own = Arch(stages, dict(type="BN1d"))
        net = pick_arch("AudioConvNet", AUDIO_ARCHS, arch, stages, own)
        if num_stages is not None and not 1 <= num_stages <= len(net.stages):
            raise ValueError(
                f"AudioConvNet: num_stages must lie in 1..{len(net.stages)}, got "
                f"{num_stages}"
            )
        super().__init__(
            net.stages[:num_stages],
            in_channels=in_channels,
            norm_cfg=net.norm_cfg if norm_cfg == "arch" else norm_cfg,
            act_cfg=act_cfg,
            norm_eval=norm_eval,
            frozen_stages=frozen_stages,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )

    def build_pool(self, pool: Mapping | None = None) -> nn.Module:
        return pool_sound(pool, self.ndim)
