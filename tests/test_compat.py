"""Repairs: each shown on the fault itself, and idle where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mmstconv import compat


def run(code: str, path: Path | None = None) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=None if path is None else {"PYTHONPATH": str(path), "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def has_drn() -> bool:
    import mmaction

    return (
        Path(mmaction.__file__)
        .with_name("models")
        .joinpath("localizers", "drn")
        .exists()
    )


@pytest.mark.skipif(has_drn(), reason="this MMAction2 is complete")
def test_models_of_the_incomplete_wheel_import():
    with pytest.raises(AssertionError, match="drn"):
        run("import mmaction.models")
    assert run("import mmstconv, mmaction.models; print('imported')") == "imported"
    code = "import mmstconv; from mmaction.models import DRN; DRN()"
    with pytest.raises(AssertionError, match="DRN is missing from the mmaction2"):
        run(code)


def pretend_installed(folder: Path, version: str) -> None:
    """Packages as today's transformers 5 and timm: without what VindLU imports."""
    for name in ("transformers", "timm"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text("")
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Name: {name}\nVersion: {version}\n")


def test_models_import_beside_transformers_5(tmp_path):
    pretend_installed(tmp_path, "5.17.0")
    with pytest.raises(AssertionError, match=r"transformers|timm"):
        run("from mmstconv import compat\n"
            "from mmaction.utils import dependency\n"
            "dependency.WITH_MULTIMODAL = True\n"
            "import mmaction.models", tmp_path)  # fmt: skip
    code = "import mmstconv; from mmaction.registry import MODELS; "
    build = "MODELS.build(dict(type='mmaction.VindLUVQA'))"
    with pytest.raises(AssertionError, match="requires extra multi-modal"):
        run(code + build, tmp_path)


def test_vindlu_is_left_where_it_can_work(tmp_path):
    pretend_installed(tmp_path, "4.40.0")
    code = "import mmstconv; from mmaction.utils import dependency; "
    assert run(code + "print(dependency.WITH_MULTIMODAL)", tmp_path) == "True"


def test_a_complete_installation_is_left_alone(tmp_path):
    """A copy of MMAction2 with its ``drn``: ours must not take its place."""
    import shutil

    import mmaction

    shutil.copytree(
        Path(mmaction.__file__).parent,
        tmp_path / "mmaction",
        ignore=shutil.ignore_patterns(".mim", "__pycache__"),
    )
    drn = tmp_path / "mmaction" / "models" / "localizers" / "drn"
    drn.mkdir(exist_ok=True)
    (drn / "__init__.py").write_text("")
    (drn / "drn.py").write_text("class DRN:\n    genuine = True\n")
    root = Path(compat.__file__).parents[1]
    code = (
        f"import sys; sys.path.append({str(root)!r})\n"
        "import mmstconv\nfrom mmaction.models import DRN\nprint(DRN.genuine)\n"
        "import mmaction; print(mmaction.__file__)"
    )
    out = run(code, tmp_path).splitlines()
    assert out[0] == "True" and out[1].startswith(str(tmp_path))


@pytest.mark.parametrize("factor", [-0.1, -0.05, 0.0, 0.3, 0.5])
def test_hue_turns_by_the_asked_angle(factor):
    """Against colorsys, pixel by pixel, at OpenCV's resolution of two degrees."""
    import colorsys

    from mmaction.datasets.transforms import ColorJitter

    import mmstconv.datasets  # noqa: F401  (applies the repair)

    rng = np.random.default_rng(0)
    image = rng.integers(30, 226, (8, 8, 3)).astype(np.float32)
    turned = ColorJitter.adjust_hue(image, factor)
    shift = int(factor * 255) / 180
    for before, after in zip(image.reshape(-1, 3), turned.reshape(-1, 3)):
        h, s, v = colorsys.rgb_to_hsv(*(before / 255))
        expected = np.multiply(colorsys.hsv_to_rgb((h + shift) % 1, s, v), 255)
        assert np.abs(expected - after).max() < 6


def test_lookups_find_our_parts_whenever_we_are_imported():
    late = (
        "import mmaction.registry as r, mmaction.datasets\n"
        "r.TRANSFORMS.get('Resize')\n"  # this registry has looked already
        "import mmstconv\n"
        "print(r.TRANSFORMS.get('SampleClips').__module__)"
    )
    assert run(late).startswith("mmstconv.datasets")
    early = (
        "import mmstconv, mmaction.registry as r\n"
        "print(r.MODELS.get('STConvNet').__module__)"
    )
    assert run(early).startswith("mmstconv.models")


def numpy_names_of_mmaction2() -> dict[str, str]:
    """``{name: a file}`` of all that MMAction2 takes from numpy."""
    import ast

    import mmaction

    found = {}
    for path in Path(mmaction.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                if node.value.id in ("np", "numpy"):
                    found.setdefault(node.attr, str(path))
            elif isinstance(node, ast.ImportFrom) and node.module == "numpy":
                found |= {alias.name: str(path) for alias in node.names}
    return found


def test_every_name_that_mmaction2_takes_from_numpy_is_there():
    """Today's numpy lacks none but those that are supplied; each is used."""
    used = numpy_names_of_mmaction2()
    lacking = {name: path for name, path in used.items() if not hasattr(np, name)}
    assert lacking.keys() <= compat.FORMER_NUMPY_NAMES.keys(), lacking
    assert compat.FORMER_NUMPY_NAMES.keys() <= used.keys()
    for today in compat.FORMER_NUMPY_NAMES.values():
        assert hasattr(np, today)


@pytest.mark.skipif(hasattr(np, "Inf"), reason="this numpy has its former names")
def test_former_names_are_found_by_mmaction2_alone():
    from mmaction.evaluation.functional.ava_evaluation.metrics import (
        compute_average_precision,
    )

    with pytest.raises(AttributeError, match="Inf"):
        np.Inf  # noqa: B018
    with pytest.raises(AttributeError, match="no_such_name"):
        np.no_such_name  # noqa: B018
    assert np.isnan(compute_average_precision(None, None))


def test_area_under_average_recall():
    """AR@AN of MMAction2 against recall counted one by one, and its trapezoids."""
    from mmaction.evaluation.functional import average_recall_at_avg_proposals

    truth = np.array([[0.0, 1.0], [2.0, 4.0], [5.0, 6.0]])
    found = np.array(
        [[2.0, 3.86, 0.9], [0.17, 1.0, 0.8], [7.0, 8.0, 0.7], [5.0, 5.63, 0.6]]
    )
    recall, mean, counts, area = average_recall_at_avg_proposals(
        {"a": truth}, {"a": found}, len(found)
    )

    def overlap(one, other):
        shared = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
        return shared / (one[1] - one[0] + other[1] - other[0] - shared)

    for row, threshold in enumerate(np.linspace(0.5, 0.95, 10)):
        for column, kept in enumerate((np.arange(1, 101) / 100 * 4).astype(int)):
            hits = sum(
                any(overlap(part, one) > threshold for one in found[:kept])
                for part in truth
            )
            assert recall[row, column] == pytest.approx(hits / 3), (row, column)
    steps = zip(mean, mean[1:], counts, counts[1:])
    expected = sum((a + b) / 2 * (right - left) for a, b, left, right in steps)
    assert area == pytest.approx(100 * expected / counts[-1])


def test_retrieval_recall():
    from mmaction.evaluation import RetrievalRecall

    scores = np.array([[0.1, 0.7, 0.2], [0.8, 0.15, 0.05], [0.3, 0.3, 0.4]])
    right = [[1], [1], [0]]
    for k in (1, 2, 3):
        hits = [
            bool(set(np.argsort(-row)[:k].tolist()) & set(one))
            for row, one in zip(scores, right)
        ]
        (recall,) = RetrievalRecall.calculate(
            scores, right, topk=k, target_indices=True
        )
        assert float(recall) == pytest.approx(100 * np.mean(hits)), k


def test_compact_pose():
    """The box around all joints, half as wide again, becomes the picture."""
    from mmaction.registry import TRANSFORMS
    from mmengine.registry import init_default_scope

    init_default_scope("mmaction")
    points = np.array([[[[30.0, 40.0], [70.0, 60.0], [0.0, 0.0]]]])  # the last: unseen
    compact = TRANSFORMS.build(dict(type="PoseCompact", padding=0.5))
    results = compact(dict(img_shape=(100, 200), keypoint=points.copy()))
    assert results["img_shape"] == (30, 60)
    assert results["keypoint"][0, 0].tolist() == [[10, 5], [50, 25], [0, 0]]


def test_frames_are_extracted_at_a_size(tmp_path):
    from helpers_media import write_coded
    from mmaction.utils import frame_extract

    video = write_coded(tmp_path / "a.mp4", 3, width=64, height=48)
    paths, frames = frame_extract(str(video), 24, out_dir=str(tmp_path / "frames"))
    assert len(paths) == 3 and frames[0].shape == (24, 32, 3)
