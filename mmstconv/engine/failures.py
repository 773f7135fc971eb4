"""Errors of a run that say little, said again with what the user can do."""

from __future__ import annotations

import multiprocessing
import re
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from mmengine.hooks import Hook

from ..datasets.bad_samples import BadDataError
from ..private_names import built_loop, uses_private
from .batch import shapes
from .runner_parts import built_data_sets

MEMORY = re.compile(
    r"out of memory|(can't|cannot|unable to|failed to) allocate|ALLOC_FAILED|bad_alloc"
    r"|insufficient memory|could not create a primitive(?! descriptor)",  # oneDNN
    re.IGNORECASE,
)
DEAD_LOADER = re.compile(r"DataLoader worker \(pid(?:\(s\))? ([\d, ]+)\)")
RECEIVING = "multiprocessing/resource_sharer.py"
NOTICE = 3  # seconds until torch notices that a loader process has ended
LABEL = re.compile(r"Target (-?\d+) is out of bounds")  # of the cross entropy
SLOW_LOADER = "DataLoader timed out"
PEER = re.compile(
    r"closed by peer|reset by peer|broken pipe|timed out|timeout|remote process"
    r"|connection refused|connection was closed",
    re.IGNORECASE,
)
BACKEND = re.compile(r"gloo|nccl|ProcessGroup|store|socket", re.IGNORECASE)

LESS_TO_TRAIN = (
    "train_dataloader.batch_size (with optim_wrapper.accumulative_counts=k, k batches "
    "still make a step), clip_len of SampleClips, the size in the last Resize, or the "
    "backbones' activations (with_cp=True); on a GPU --amp halves them"
)
LESS_TO_TEST = (
    "{phase}_dataloader.batch_size, num_clips of SampleClips (M = clips x crops), "
    "clip_len, or the size in Resize and the crop"
)


class OutOfMemory(RuntimeError):
    """Memory did not suffice; names batch, shapes and what to lower."""


class LoaderFailure(RuntimeError):
    """A loader process died or took too long; names the files it worked on."""


class WrongLabel(ValueError):
    """A label is none of the classes."""


class PeerFailure(RuntimeError):
    """Another process of the run ended or does not answer."""


@contextmanager
def explain_failures(runner) -> Iterator[None]:
    """Put around ``runner.train()``, ``runner.val()`` or ``runner.test()``.

    An error that says too little becomes the cause of one of those below. Any other
    error passes as it is.

    Raises:
        OutOfMemory: Memory was not enough, on a GPU, the CPU or in a loader process.
        LoaderFailure: A loader process died, or the loader's ``timeout`` has passed.
        PeerFailure: Another process of a distributed run was lost.
        WrongLabel: The loss met a label that the head has no class for.
    """
    watch = Watch()
    runner.register_hook(watch, priority="VERY_HIGH")
    try:
        yield
    except (MemoryError, RuntimeError, OSError, EOFError, IndexError) as error:
        try:
            explained = explain(runner, watch, error)
        except RuntimeError as signal:  # the end of a loader process raises anywhere
            if not DEAD_LOADER.search(str(signal)):
                raise
            explained = explain(runner, watch, signal)
        if explained is None:
            raise
        raise explained from error
    finally:
        runner.hooks.remove(watch)


def explain(runner, watch: Watch, error: BaseException) -> Exception | None:
    """The error to raise in place of another; None if there is nothing to add."""
    if isinstance(error, BadDataError):  # quotes what decoders say, of memory too
        return None
    text = str(error)
    if isinstance(error, IndexError):
        label = LABEL.search(text)
        return label and WrongLabel(
            f"label {label[1]} is none of the head's classes, in "
            f"{watch.place(runner)}: labels count from 0, and "
            "model.cls_head.num_classes says how many there are"
        )
    if isinstance(error, (OSError, EOFError)) and _was_receiving(error):
        time.sleep(NOTICE)
    dead = DEAD_LOADER.search(text)
    if dead or SLOW_LOADER in text:
        return LoaderFailure(_of_loader(runner, watch, text, dead))
    if isinstance(error, MemoryError) or MEMORY.search(text):
        return OutOfMemory(_of_memory(runner, watch, text))
    if runner.world_size > 1 and PEER.search(text) and BACKEND.search(text):
        return PeerFailure(
            f"process {runner.rank} of {runner.world_size} has lost another one in "
            f"{watch.place(runner)}: it ended, or did not answer within "
            "env_cfg.dist_cfg.timeout seconds. Its own message says why; a process "
            f"that was killed leaves none.\n{text}"
        )
    return None


def _of_memory(runner, watch: Watch, text: str) -> str:
    batch = [f"  {name} {shape}" for name, shape in shapes(watch.batch).items()]
    if watch.batch is None:
        batch = ["  before the first batch"]
    elif watch.loading:
        batch[:0] = ["  while the batch after this one was loaded:"]
    less = LESS_TO_TRAIN
    if watch.phase != "train":
        less = LESS_TO_TEST.format(phase=watch.phase)
    if "DataLoader worker" in text:
        less = f"num_workers, or short_side in LoadFrames, or {less}"
    return "\n".join(
        [
            f"out of memory in {watch.place(runner)}, batch size "
            f"{_batch_size(watch.loader(runner))}:",
            *batch,
            f"Lower {less}.",
            text.strip().splitlines()[-1] if text.strip() else "MemoryError",
        ]
    )


def _of_loader(runner, watch: Watch, text: str, dead: re.Match | None) -> str:
    if dead:
        pids = [int(pid) for pid in dead[1].split(",")]
        what = "a loader process died"
    else:
        pids = [child.pid for child in multiprocessing.active_children()]
        what = "the data loader waited longer than its timeout"
    files = [
        name
        for dataset in built_data_sets(runner)
        if hasattr(dataset, "held")
        for name in dataset.held(pids)
    ]
    held = "\n".join(f"  {name}" for name in files) or "  no sample of ours"
    cause = ""
    if dead and "Bus error" in text:
        cause = "\nShared memory was full: enlarge /dev/shm or lower num_workers."
    elif dead and "Profiling timer" in text:
        cause = (
            "\nA sample took more processor time than a loader process may spend on it "
            "(5 times timeout of OpenMedia); where, is printed above."
        )
    elif dead and "Segmentation fault" in text:
        cause = "\nA decoder crashed: leave the file out, or convert it."
    elif dead and "exit code" not in text:
        cause = "\nIf nobody killed it, memory ran out: lower num_workers."
    return (
        f"{what} in {watch.place(runner)}. It was at work on\n{held}{cause}\n"
        f"{text.strip()}"
    )


def _was_receiving(error: BaseException) -> bool:
    """Whether a tensor was on its way from a loader process."""
    frames = traceback.walk_tb(error.__traceback__)
    return any(frame.f_code.co_filename.endswith(RECEIVING) for frame, _ in frames)


@uses_private("_before_epoch", "_before_iter", "_after_iter", "_after_epoch")
class Watch(Hook):
    """Notes which phase, iteration and batch a runner is at."""

    def __init__(self) -> None:
        self._begin("train")

    def _begin(self, phase: str) -> None:
        self.phase = phase
        self.iteration = 0  # of the epoch, from 1; 0: none yet
        self.batch: object = None
        self.loading = True

    def _before_epoch(self, runner, mode: str = "train") -> None:
        self._begin(mode)

    def _before_iter(self, runner, batch_idx, data_batch=None, mode="train") -> None:
        self.phase, self.iteration = mode, batch_idx + 1
        self.batch, self.loading = data_batch, False

    def _after_iter(
        self, runner, batch_idx, data_batch=None, outputs=None, mode="train"
    ) -> None:
        self.loading = True

    def _after_epoch(self, runner, mode: str = "train") -> None:
        self._begin("train")  # which validation is a part of

    def loader(self, runner):
        """The data loader of the phase; None where it is not built yet."""
        return getattr(built_loop(runner, self.phase), "dataloader", None)

    def place(self, runner) -> str:
        """Phase and iteration in words."""
        iteration = self.iteration + self.loading
        phase = {"train": "training", "val": "validation", "test": "testing"}
        where = f"{phase[self.phase]}, iteration {iteration}"
        if self.phase == "train" and hasattr(built_loop(runner, "train"), "epoch"):
            where += f" of epoch {runner.epoch + 1}"
        return where


def _batch_size(loader) -> str:
    size = getattr(getattr(loader, "batch_sampler", None), "batch_size", None)
    return "unknown" if size is None else str(size)
