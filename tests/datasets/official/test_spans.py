"""Whether files are films or the parts of them that a list names."""

from __future__ import annotations

import pytest
from helpers_media import write_coded
from helpers_official import put, text

from mmstconv.datasets import AnnotationError
from mmstconv.datasets.official import read_layout


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    return {
        "whole": write_coded(folder / "whole.mp4", 40, 5, width=64, height=48),
        "cut": write_coded(folder / "cut.mp4", 10, 5, width=64, height=48),
    }


def audioset(root, *targets):
    """Parts from 4 to 6 s of films named without times."""
    text(root, "class_labels_indices.csv", "index,mid,display_name", "0,/m/1,Speech")
    rows = [f'film{k}, 4.000, 6.000, "/m/1"' for k in range(len(targets))]
    text(root, "eval_segments.csv", *rows)
    for k, target in enumerate(targets):
        put(root, f"film{k}.mp4", target)
    return read_layout(root, "audioset")


def test_length_tells_whether_files_are_cut(tmp_path, films):
    whole = audioset(tmp_path / "whole", films["whole"], films["whole"])
    assert [s.segment for s in whole.samples] == [(4.0, 6.0), (4.0, 6.0)]
    cut = audioset(tmp_path / "cut", films["cut"], films["cut"])
    assert [s.segment for s in cut.samples] == [None, None]
    assert "as long as the part" in cut.notes[0]
    with pytest.raises(AnnotationError, match="is a whole film"):
        audioset(tmp_path / "both", films["whole"], films["cut"])
