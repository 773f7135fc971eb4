"""What transforms say of themselves."""

from __future__ import annotations

from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmcv.transforms import BaseTransform

from mmstconv.datasets import transforms
from mmstconv.datasets.transforms.roles import (
    OF_MMACTION2,
    Role,
    maker_of,
    role_of,
    size_after,
)


def test_every_transform_of_ours_says_what_it_is():
    ours = {name: getattr(transforms, name) for name in transforms.__all__}
    kinds = {k: v for k, v in ours.items() if issubclass(v, BaseTransform)}
    silent = [name for name, kind in kinds.items() if not hasattr(kind, "role")]
    assert len(kinds) > 10 and not silent, silent
    once = [role_of(kind).step for kind in kinds.values()]
    steps = {"", "fetch", "open", "clip", "frames", "sound", "format", "pack"}
    assert set(once) == steps


def test_settings_are_attributes():
    """Those that weights depend on; one that is renamed would go unchecked."""
    for name in ("LoadWaveform", "ComputeFlow", "SplitFlowImages"):
        transform = TRANSFORMS.build(dict(type=f"mmaction.{name}"))
        settings = role_of(transform).settings
        assert settings and all(hasattr(transform, one) for one in settings), name


def test_the_table_knows_mmaction2():
    register_all_modules(init_default_scope=False)
    wrong = [
        name
        for name, role in OF_MMACTION2.items()
        if role_of(TRANSFORMS.get(f"mmaction.{name}")) != role
    ]
    assert not wrong, wrong
    assert role_of(TRANSFORMS.get("mmaction.Resize")) == Role()


def test_a_class_of_the_users():
    """It is what its base is, unless it says otherwise; names alone mean nothing."""
    flip = TRANSFORMS.get("mmaction.Flip")

    class MyFlip(flip):
        pass

    class SteadyFlip(flip):
        role = Role()

    class Flip(BaseTransform):
        def transform(self, results):
            return results

    assert role_of(MyFlip).at_random and not role_of(SteadyFlip).at_random
    assert not role_of(Flip()).at_random


def test_who_makes_features():
    assert maker_of("log-mel") == "LogMel" and maker_of("waveform") == "RawAudio"
    assert maker_of("spikes") is None


def test_sizes_that_a_transform_fixes():
    for options, size in (
        (dict(type="CenterCrop", crop_size=112), (112, 112)),
        (dict(type="Resize", scale=(56, 64), keep_ratio=False), (64, 56)),
        (dict(type="Resize", scale=(-1, 128)), None),
        (dict(type="Flip"), None),
    ):
        step = TRANSFORMS.build(dict(options, type=f"mmaction.{options['type']}"))
        assert size_after(step) == size, options
