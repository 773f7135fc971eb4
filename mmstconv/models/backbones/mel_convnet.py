"""2D convolutional networks for log-mel sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mmaction.registry import MODELS
from torch import Tensor, nn

from .audio_archs import MEL_ARCHS, MelArch
from .audio_convnet import SoundConvNet, pool_sound
from .trunk import pick_arch


@MODELS.register_module()
class MelConvNet(SoundConvNet):
    """Stages of 2D blocks over log-mel as a picture, each followed by pooling.

    The picture's axes are time, then bands; what is left of the bands is averaged at
    the end, and time stays. Either a published network of :data:`MEL_ARCHS`, or
    stages of one's own:

    - ``'cnn14'``: `PANNs <https://arxiv.org/abs/1912.10211>`_' Cnn14. One time step
      out per 32 frames: 3.125 a second at their 100 frames a second.
    - ``'vggish'``: `CNN Architectures for Large-Scale Audio Classification
      <https://arxiv.org/abs/1609.09430>`_'s VGG with its three embedding layers, which
      slide over time. One step per 16 frames, each of 96 frames (0.96 s): 6.25 a
      second. An input of 96 frames gives what the source gives; in longer ones the
      convolutions see the sound before and after a patch, where the source has zeros.

    - ``'mel_lite'``: ours; one step per 8 frames.

    Args:
        stages: One mapping per stage: ``block='ConvBlock'``, ``num_blocks=1`` and
            the block's arguments (``channels``, ``kernel_size=3``, ...; numbers, or
            ``(time, bands)``), or ``blocks=[dict(type=..., ...), ...]``; then
            ``pool=None`` or ``dict(mode='max' | 'avg', size=, stride=size,
            padding=0 | 'same')`` and ``dropout=None``.
        arch: Name of a published network, instead of ``stages``.
        n_mels: Bands of the input.
        in_channels: Pictures stacked along the input's bands: 1, or 2 for stereo.
        norm_bands: Batch norm over each band of the input. The arch's own choice,
            False without an arch, if None.
        norm_cfg: Norm layer, or None: then the convolutions have a bias. The arch's
            own, BN2d without an arch, if not given.
        act_cfg: Activation, or None.
        norm_eval: Keep batch norms at their running statistics in training.
        frozen_stages: The first so many stages do not train, nor does the norm of
            the bands before them.
        with_cp: Gradient checkpointing: less memory, more time.
        init_cfg: Initialisation config.

    Shape:
        - Input: ``(N, in_channels * n_mels, L)``, or ``(N, in_channels, L, n_mels)``.
        - Output: ``(N, out_channels, L')``, or ``(N, out_channels, L', 1)``.

    Raises:
        ValueError: Not one of ``arch`` and ``stages``, an unknown ``arch``, or a
            stage that is not understood; an input of another shape, or shorter than
            the arch needs.

    Example:
        >>> MelConvNet(arch="cnn14")(torch.rand(1, 64, 128)).shape
        torch.Size([1, 2048, 4])
        >>> MelConvNet(arch="vggish")(torch.rand(1, 64, 112)).shape
        torch.Size([1, 128, 2])
    """

    ndim = 2
    pool_keys = ("pool", "dropout")
    axes = "L"

    def __init__(
        self,
        stages: Sequence[Mapping] | None = None,
        *,
        arch: str | None = None,
        n_mels: int = 64,
        in_channels: int = 1,
        norm_bands: bool | None = None,
        norm_cfg: Mapping | str | None = "arch",
        act_cfg: Mapping | None = MappingProxyType({"type": "ReLU"}),
        norm_eval: bool = False,
        frozen_stages: int = 0,
        with_cp: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        own = MelArch(stages, dict(type="BN2d"))
        net = pick_arch("MelConvNet", MEL_ARCHS, arch, stages, own)
        super().__init__(
            net.stages,
            in_channels=in_channels,
            norm_cfg=net.norm_cfg if norm_cfg == "arch" else norm_cfg,
            act_cfg=act_cfg,
            norm_eval=norm_eval,
            frozen_stages=frozen_stages,
            with_cp=with_cp,
            init_cfg=init_cfg,
        )
        self.n_mels = n_mels
        self.min_frames = net.min_frames
        self.band_norm: nn.Module = nn.Identity()
        if net.norm_bands if norm_bands is None else norm_bands:
            self.band_norm = nn.BatchNorm1d(in_channels * n_mels)
        if frozen_stages:
            self.band_norm.requires_grad_(False)

    def build_pool(
        self, pool: Mapping | None = None, dropout: float | None = None
    ) -> nn.Module:
        pooling = pool_sound(pool, self.ndim)
        return nn.Sequential(pooling, nn.Dropout(dropout)) if dropout else pooling

    def check_input(self, x: Tensor) -> None:
        bands = self.in_channels * self.n_mels
        if x.dim() != 3 or x.shape[1] != bands:
            raise ValueError(
                f"MelConvNet: expected (N, {bands}, L), got shape {tuple(x.shape)}"
            )
        if x.shape[2] < self.min_frames:
            raise ValueError(
                f"MelConvNet: expected at least {self.min_frames} frames of sound, "
                f"got shape {tuple(x.shape)}; feed longer windows of sound"
            )

    def run_sound(self, x: Tensor) -> Tensor:
        self.check_input(x)
        x = self.band_norm(x)  # (N, in_channels * bands, L)
        x = x.unflatten(1, (self.in_channels, self.n_mels)).transpose(2, 3)
        x = self.run_stages(x)  # (N, C', L', bands')
        return x.mean(3)  # (N, C', L')

    def train(self, mode: bool = True) -> MelConvNet:
        super().train(mode)
        if mode and self.frozen_stages:
            self.band_norm.eval()
        return self
