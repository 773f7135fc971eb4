"""How much of the class is told by what a file lacks, before training."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from mmaction.registry import HOOKS
from mmengine.dist import is_main_process
from mmengine.hooks import Hook

from ...datasets.probing import probe_presence
from ...evaluation.presence_leak import presence_leak
from ..runner_parts import leaves, unwrap

PROGRESS_EVERY = 10.0  # seconds
SIGNIFICANT = 0.05


@HOOKS.register_module()
class PresenceHook(Hook):
    """Says before training how much of the class is told by what a file lacks.

    Where sound exists in some classes only, "no sound, so a silent class" is an easy
    answer, and a wrong one as soon as a file has lost its sound. A random sample of
    the training files is opened (headers only; sound that is all silence counts as
    present) and presence compared with the labels: one line in the log, a warning with
    the remedy where presence says more than chance and the model does not have the
    remedy yet.

    It changes nothing about the training, and a file that cannot be opened does not end
    it. A run that resumes and files with several labels are not looked at.

    Args:
        max_files: How many files are opened at most.
        max_seconds: Time after which no further file is opened.
    """

    def __init__(self, *, max_files: int = 1000, max_seconds: float = 60.0) -> None:
        self.max_files = max_files
        self.max_seconds = max_seconds

    def before_train(self, runner) -> None:
        if not is_main_process() or runner.iter > 0:
            return
        model = unwrap(runner.model)
        found = [one for one in self._probe(runner) if one[0] is not None]
        known = {name for presence, _ in found for name in presence}
        streams = [n for n in getattr(model, "streams", sorted(known)) if n in known]
        _say(runner.logger, found, streams, model)

    def _probe(self, runner) -> Iterator[tuple[dict | None, int]]:
        """Presence and label of randomly chosen training files."""
        parts = [
            part
            for part in leaves(runner.train_loop.dataloader.dataset)
            if hasattr(part, "get_data_info")
        ]
        sizes = np.cumsum([0, *map(len, parts)])
        # a generator of its own, so that training draws what it draws without the hook
        order = np.random.default_rng(0).permutation(sizes[-1])[: self.max_files]
        started = said = time.monotonic()
        for done, place in enumerate(order):
            part = int(np.searchsorted(sizes, place, side="right")) - 1
            info = parts[part].get_data_info(int(place - sizes[part]))
            if not isinstance(info.get("label"), int) or info["label"] < 0:
                continue
            yield probe_presence(parts[part], info), info["label"]
            now = time.monotonic()
            if now - started > self.max_seconds:
                return
            if now - said > PROGRESS_EVERY:
                said = now
                runner.logger.info(f"presence: {done + 1} of {len(order)} files opened")


def _say(logger, found: Sequence[tuple[dict, int]], streams: Sequence, model) -> None:
    """One line, if a modality is absent somewhere."""
    labels = [label for _, label in found]
    has = {name: [one.get(name, True) for one, _ in found] for name in streams}
    has = {name: here for name, here in has.items() if not all(here)}
    if not has:
        return
    leak = presence_leak(list(zip(*has.values())), labels)
    shares = [f"{name} is in {np.mean(here):.1%}" for name, here in has.items()]
    text = (
        f"presence: of {leak.samples} training files {' and '.join(shares)}; knowing "
        f"that alone, the best guess at the class is right in {leak.accuracy:.1%}, "
        f"knowing nothing in {leak.chance:.1%} ({leak.bits:.2f} bits of the class)"
    )
    if leak.p_value > SIGNIFICANT:
        logger.info(f"{text}: no more than chance")
        return
    head = getattr(model, "cls_head", None)
    if getattr(head, "loss_weight", 1.0) == 0:
        logger.info(f"{text}; streams that learn apart do not learn it")
        return
    taught = getattr(head, "train_without", ())
    telling = [
        name
        for name, here in has.items()
        if presence_leak(here, labels).p_value <= SIGNIFICANT
    ] or list(has)  # only together
    if taught and set(telling) <= set(taught):
        logger.info(f"{text}; the model learns that absence says nothing of it")
        return
    text += (
        ". A model learns to guess the class from what a file lacks, and is wrong "
        "about files that have lost it"
    )
    if hasattr(head, "train_without"):
        names = ", ".join(map(repr, dict.fromkeys([*taught, *telling])))
        text += f". Remedy: model=dict(cls_head=dict(train_without=[{names}]))"
    logger.warning(f"{text} (docs/fusion.md)")
