"""Named steps of a config, and the three pipelines that they make.

MMEngine replaces lists as a whole, so a config that inherits a pipeline could only
repeat it or cut it up by position. Configs here keep the steps by name in one
dictionary instead; ``pipelines`` makes the lists that MMEngine and MMAction2 read, and
``change_steps`` lets a child change a step in one line (configs/README.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from mmengine.config import ConfigDict

SPLITS = ("train", "val", "test")
LAST = ("format", "pack")  # steps that new ones come before
NOT_STEPS = (*SPLITS, "modalities", "needs")


def pipelines(steps: Mapping) -> tuple[list[dict], list[dict], list[dict]]:
    """The pipelines for training, validation and test.

    Args:
        steps: Transforms by name, in their order: a config, a list of configs, or None
            for none. Beside them:

            - ``modalities``: what the samples hold; ``format`` and ``pack`` are told.
            - ``needs``: ``{modality: names of steps}``. A step that stands here is
              left out unless one of the modalities needs it.
            - ``train``, ``val``, ``test``: what differs there, as of
              :func:`changed_steps`.

    Raises:
        ValueError: A name is mistyped, or an argument is given to a step that has none.

    Example:
        >>> train, val, test = pipelines(dict(
        ...     clip=dict(type="SampleClips", clip_len=16, fps=12),
        ...     val=dict(clip=dict(test_mode=True)),
        ...     test=dict(clip=dict(test_mode=True, num_clips=10)),
        ... ))
    """
    common = {name: step for name, step in steps.items() if name not in SPLITS}
    return tuple(
        list(_listed(changed_steps(common, steps.get(split) or {}))) for split in SPLITS
    )


def changed_steps(steps: Mapping, changes: Mapping) -> dict:
    """The steps with changes made; ``steps`` stay as they are.

    Args:
        steps: As of :func:`pipelines`.
        changes: Of the same form. A dictionary without a ``type`` changes arguments of
            a step; one with a type, a list or None takes its place. A step with a new
            name comes before ``format``.

    Raises:
        ValueError: Arguments are given for a step that is not there, or is a list.
    """
    changed = _plain(steps)
    for name, change in _plain(changes).items():
        if name in SPLITS:
            changed[name] = _merged_split(changed.get(name) or {}, change or {})
        elif name == "needs":
            changed[name] = {**changed.get(name, {}), **change}
        elif name != "modalities" and _is_arguments(change):
            changed[name] = {**_one_transform(changed, name), **change}
        else:
            changed[name] = change
    return changed


def change_steps(base: ConfigDict, **changes) -> None:
    """Change the steps that a config has inherited, everywhere it has them.

    ``base`` is changed in place: it is what MMEngine then merges the config's own
    variables into, so ``train_dataloader = dict(batch_size=8)`` still works beside it.

    Args:
        base: ``_base_`` of the config.
        changes: As of :func:`changed_steps`.

    Raises:
        ValueError: No base has steps, or as of :func:`pipelines`.

    Example:
        >>> _base_ = ["./stlite_lstm_1xb32-16f-50e_ucf101-split1-rgb-flow-audio.py"]
        >>> from mmstconv.pipelines import change_steps
        >>> change_steps(_base_, clip=dict(clip_len=32), flow=dict(method="tvl1"))
    """
    if "steps" not in base:
        raise ValueError(
            "change_steps: no base of this config has steps; inherit one of "
            "configs/_base_/datasets, or write the pipelines themselves"
        )
    steps = changed_steps(base["steps"], changes)
    new = ConfigDict(zip(SPLITS, pipelines(steps)))
    base["steps"] = ConfigDict(steps)
    for split in SPLITS:
        base[f"{split}_pipeline"] = new[split]
        for data_set in _data_sets(base.get(f"{split}_dataloader")):
            data_set["pipeline"] = _plain(new)[split]


def frames_at(size: int, *, colours: bool = True) -> dict:
    """Steps of frames of ``size`` x ``size``: random crops to train, else the middle.

    Training crops are chosen before anything is decoded: LoadFrames crops and scales
    decoded planes. Others are cut from frames whose short side is 8 / 7 as long.

    Args:
        size: Pixels.
        colours: Whether training changes brightness, contrast, saturation and hue.

    Returns:
        What ``steps`` or the changes of :func:`change_steps` say: ``frames`` and
        ``train``.
    """
    train = [
        dict(type="RandomResizedCrop", area_range=(0.4, 1.0), lazy=True),
        dict(type="Resize", scale=(size, size), keep_ratio=False, lazy=True),
        dict(type="Flip", flip_ratio=0.5, lazy=True),
        dict(type="LoadFrames"),
    ]
    if colours:
        amounts = dict(brightness=0.2, contrast=0.2, saturation=0.2, hue=0.05)
        train.append(dict(type="ColorJitter", **amounts))
    middle = [
        dict(type="LoadFrames", short_side=round(size * 8 / 7)),
        dict(type="CenterCrop", crop_size=size),
    ]
    return dict(frames=middle, train=dict(frames=train))


def _listed(steps: Mapping) -> Iterator[dict]:
    """The transforms, in order, without those that no modality needs."""
    needs, modalities = steps.get("needs", {}), steps.get("modalities", ())
    for name in modalities:
        if name not in needs and name not in steps:
            raise ValueError(
                f"modalities: no step is named {name!r}, and needs does not say which "
                f"steps make it{_hint(name, [*needs, *steps])}"
            )
    for modality, names in needs.items():
        for name in names if modality in modalities else ():
            if steps.get(name) is None:
                raise ValueError(
                    f"needs: {modality!r} needs the step {name!r}, which is not there"
                    f"{_hint(name, steps)}; leave it out of modalities, or give the "
                    "step"
                )
    droppable = {name for names in needs.values() for name in names}
    needed = {name for modality in modalities for name in needs.get(modality, ())}
    told = dict(format="modalities", pack="collect_keys")
    order = [name for name in steps if name not in NOT_STEPS]
    for name in sorted(order, key=lambda name: name in LAST):  # else as they stand
        step = steps[name]
        if step is None or name in droppable - needed:
            continue
        for transform in step if isinstance(step, list) else [step]:
            if name in told and modalities:
                transform = {told[name]: list(modalities), **transform}
            yield transform


def _merged_split(old: Mapping, changes: Mapping) -> dict:
    """Changes of one split, later ones over earlier ones."""
    merged = dict(old)
    for name, change in changes.items():
        both = _is_arguments(change) and isinstance(old.get(name), dict)
        merged[name] = {**old[name], **change} if both else change
    return merged


def _one_transform(steps: Mapping, name: str) -> dict:
    """The step whose arguments change."""
    step = steps.get(name)
    if isinstance(step, dict):
        return step
    if isinstance(step, list):
        raise ValueError(
            f"step {name!r} is a list of transforms: give the whole list, not arguments"
        )
    raise ValueError(
        f"there is no step {name!r} to change{_hint(name, steps)}; a new step needs "
        "its type"
    )


def _is_arguments(change: object) -> bool:
    return isinstance(change, dict) and "type" not in change


def _data_sets(part: object) -> Iterator[dict]:
    """All with a pipeline, inside of a loader and of data sets that wrap others."""
    if isinstance(part, list):
        for one in part:
            yield from _data_sets(one)
    elif isinstance(part, dict):
        if "pipeline" in part:
            yield part
        for key in ("dataset", "datasets"):
            yield from _data_sets(part.get(key))


def _hint(name: str, known) -> str:
    names = [one for one in known if one not in NOT_STEPS]
    close = get_close_matches(name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _plain(value):
    """A copy in plain dictionaries and lists."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_plain(one) for one in value)
    return value
