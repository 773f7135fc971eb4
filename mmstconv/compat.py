"""Every repair of a third-party breakage, each with its reason and upper version.

A repair acts only where the breakage is found, so a complete or newer installation
is left as it is, and when what it repairs is imported. Delete a repair when its upper
version is no longer supported.
"""

from __future__ import annotations

import re
import sys
import warnings
from functools import wraps
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from .importing import after_import
from .private_names import has_looked_up, locations_of, output_folder

#: What was repaired in this process, a sentence each.
REPAIRED: list[str] = []


def repair_third_party() -> None:
    """Repair what is there, and whatever is imported later when it is imported."""
    _silence_what_is_no_fault()
    _supply_missing_drn()
    for module, repair in (
        ("mmaction", _supply_former_numpy_names),
        ("mmaction.utils.dependency", _leave_out_vindlu),
        ("mmaction.datasets.transforms.processing", _repair_color_jitter),
        (
            "mmaction.models.data_preprocessors.data_preprocessor",
            _repair_augmented_batches,
        ),
    ):
        after_import(module, repair)


# Warnings of others about what no user of this package can change or needs to:
# the beginning of the message and the module that it is raised in.
NO_FAULT = (
    # mmcv-lite is all that is needed
    (
        "Fail to import ``MultiScaleDeformableAttention``",
        r"mmcv\.cnn\.bricks\.transformer",
    ),
    # one thread a process is MMEngine's own choice in a distributed run
    ("Setting OMP_NUM_THREADS environment", r"mmengine\.utils\.dl_utils\.setup_env"),
    ("Setting MKL_NUM_THREADS environment", r"mmengine\.utils\.dl_utils\.setup_env"),
    # mmengine and openmim import it; setuptools is kept below 81
    ("pkg_resources is deprecated as an API", r"(mmengine|mim)\..*|importlib$"),
)


def _silence_what_is_no_fault() -> None:
    """Leave out the warnings in ``NO_FAULT``, in loader processes too.

    Forked ones have the filters, and others import this package. Up to mmcv 2.1.0,
    mmengine 0.10.7 and openmim 0.3.9.
    """
    for message, module in NO_FAULT:
        warnings.filterwarnings("ignore", re.escape(message), module=module)


def register_lazily() -> None:
    """Let MMEngine and MMAction2 find this package's configs and registered parts.

    MMAction2's registries import the modules in their ``locations`` at the first
    look-up. We append ours; a registry that has looked already gets them at once.
    """
    after_import("mmengine.config.utils", _name_the_package)
    after_import("mmaction.registry", _append_locations)


def _name_the_package() -> None:
    from mmengine.config.utils import MODULE2PACKAGE

    MODULE2PACKAGE.setdefault("mmstconv", "mmstconv")


def _append_locations() -> None:
    from mmaction import registry

    for name, module in (
        ("MODELS", "mmstconv.models"),
        ("DATASETS", "mmstconv.datasets"),
        ("TRANSFORMS", "mmstconv.datasets"),
        ("DATA_SAMPLERS", "mmstconv.datasets"),
        ("HOOKS", "mmstconv.engine"),
        ("LOOPS", "mmstconv.engine"),
        ("OPTIM_WRAPPERS", "mmstconv.engine"),
        ("METRICS", "mmstconv.evaluation"),
        ("VISBACKENDS", "mmstconv.visualization"),
        ("WEIGHT_INITIALIZERS", "mmstconv.checkpoints.initializer"),
    ):
        target = getattr(registry, name)
        if has_looked_up(target):
            import_module(module)
        elif module not in locations_of(target):
            locations_of(target).append(module)


def _supply_missing_drn() -> None:
    """mmaction2 1.2.0's wheel omits ``mmaction/models/localizers/drn``.

    Its ``localizers/__init__.py`` imports it all the same, so nothing under
    ``mmaction.models`` can be imported. A module with a ``DRN`` that says so when
    it is built takes its place. Up to mmaction2 1.2.0.
    """
    package = find_spec("mmaction")
    if package is None or not package.submodule_search_locations:
        return
    name = "mmaction.models.localizers.drn"
    localizers = Path(package.submodule_search_locations[0], "models", "localizers")
    if name in sys.modules or not localizers.is_dir() or (localizers / "drn").exists():
        return

    class DRN:
        """Stands for the localizer that this installation of MMAction2 lacks."""

        def __init__(self, *args, **kwargs):
            raise ImportError(
                "DRN is missing from the mmaction2 1.2.0 wheel; install MMAction2 "
                "from its git repository to use it."
            )

    REPAIRED.append("mmaction2's wheel lacks its localizer DRN: left out")
    outer, inner = ModuleType(name), ModuleType(f"{name}.drn")
    outer.__path__ = []
    outer.drn, inner.DRN = inner, DRN
    sys.modules[name], sys.modules[f"{name}.drn"] = outer, inner


def _leave_out_vindlu() -> None:
    """VindLU imports names that transformers 5 no longer has, and timm undeclared.

    Where transformers is installed and either holds, nothing under ``mmaction.models``
    can be imported. MMAction2's placeholder for installations without transformers
    takes VindLU's place. Up to mmaction2 1.2.0.
    """
    from mmaction.utils import dependency

    works = find_spec("timm") is not None and not dependency.satisfy_requirement(
        "transformers>=5.0.0"
    )
    if dependency.WITH_MULTIMODAL and not works:
        REPAIRED.append("mmaction2's VindLU needs transformers 4 and timm: left out")
        dependency.WITH_MULTIMODAL = False


# What MMAction2 calls by a name that numpy no longer has, and its name today.
FORMER_NUMPY_NAMES = dict(Inf="inf", NAN="nan", in1d="isin", trapz="trapezoid")


def _supply_former_numpy_names() -> None:
    """numpy 2 lacks ``Inf`` and ``NAN``, numpy 2.4 ``trapz`` and ``in1d`` as well.

    So AR@AN, AVA's average precision, retrieval recall and ``PoseCompact`` fail.
    MMAction2's own files find these names again; whoever else asks numpy for them gets
    numpy's answer. Up to mmaction2 1.2.0.
    """
    import numpy as np

    package = find_spec("mmaction")
    find = getattr(np, "__getattr__", None)
    if package is None or find is None or hasattr(find, "former_names"):
        return
    folder = str(Path(package.submodule_search_locations[0], ""))

    def find_former(name: str):
        today = FORMER_NUMPY_NAMES.get(name)
        if today and sys._getframe(1).f_code.co_filename.startswith(folder):
            return getattr(np, today)
        return find(name)

    REPAIRED.append("numpy has dropped names that mmaction2 uses: supplied to it")
    find_former.former_names = FORMER_NUMPY_NAMES
    np.__getattr__ = find_former


def _repair_color_jitter() -> None:
    """MMAction2's ``ColorJitter.adjust_hue`` adds a negative int to a uint8 array.

    numpy >= 2 refuses that (and numpy 1 wrapped large hues at 256 before taking them
    modulo 180). Same formula, computed in int16. Up to mmaction2 1.2.0.
    """
    import cv2
    import numpy as np
    from mmaction.datasets.transforms.processing import ColorJitter

    def adjust_hue(img: np.ndarray, factor: float) -> np.ndarray:
        img = np.clip(img, 0, 255).astype(np.uint8)
        hsv = cv2.cvtColor(img, cv2.COLOR_RGB2HSV)
        hue = hsv[..., 0].astype(np.int16) + int(factor * 255)
        hsv[..., 0] = (hue % 180).astype(np.uint8)
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)

    REPAIRED.append("mmaction2's ColorJitter adds negative numbers to bytes: replaced")
    ColorJitter.adjust_hue = staticmethod(adjust_hue)


def _repair_augmented_batches() -> None:
    """MMAction2's ``ActionDataPreprocessor`` takes the samples of a batch as a list.

    MMEngine's collate function gives the batches of ``TestTimeAug`` as tuples. Up to
    mmaction2 1.2.0.
    """
    from mmaction.models.data_preprocessors.data_preprocessor import (
        ActionDataPreprocessor,
    )

    preprocess = ActionDataPreprocessor.preprocess
    if hasattr(preprocess, "__wrapped__"):
        return

    @wraps(preprocess)
    def preprocess_listed(self, inputs, data_samples, training=False):
        inputs = list(inputs) if isinstance(inputs, tuple) else inputs
        return preprocess(self, inputs, data_samples, training)

    REPAIRED.append("mmaction2's ActionDataPreprocessor refuses tuples: taught them")
    ActionDataPreprocessor.preprocess = preprocess_listed


def repair_video_output() -> None:
    """MMAction2 writes video files through ``moviepy.editor``, gone in moviepy 2.

    It then asks to install moviepy, installed or not. Same frames, written through
    PyAV. GIFs still need moviepy 1. Up to mmaction2 1.2.0.
    """
    if find_spec("moviepy") is not None and find_spec("moviepy.editor") is not None:
        return
    import numpy as np
    from mmaction.visualization.video_backend import LocalVisBackend
    from mmengine.visualization.vis_backend import force_init_env

    from .media import VideoCoding, write_media

    other = LocalVisBackend.add_video

    @force_init_env
    def add_video(self, name, frames, step=0, fps=4, out_type="img", **kwargs):
        if out_type != "video":
            return other(self, name, frames, step, fps, out_type, **kwargs)
        odd = frames[0].shape[0] % 2 or frames[0].shape[1] % 2
        return write_media(
            Path(output_folder(self), name).with_suffix(".mp4"),
            [np.ascontiguousarray(frame[..., ::-1]) for frame in frames],
            fps,
            video=VideoCoding(pix_fmt="yuv444p" if odd else "yuv420p"),
        )

    REPAIRED.append("mmaction2 writes videos by moviepy 1 alone: written by PyAV")
    LocalVisBackend.add_video = add_video
