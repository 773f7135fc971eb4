"""Files that cannot be used: replaced in training, flagged in testing, always named."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import re
import resource
import signal
import time

import numpy as np
import pytest
import torch
from helpers_media import write_coded
from mmaction.registry import TRANSFORMS
from mmaction.utils import register_all_modules
from mmcv.transforms import BaseTransform
from mmengine.dataset import ConcatDataset, RepeatDataset, pseudo_collate
from torch.utils.data import DataLoader

from mmstconv.datasets import BadDataError, MultiModalVideoDataset
from mmstconv.media import MediaError
from mmstconv.randomness import SeededIndex

register_all_modules(init_default_scope=True)

SIZE = 32
GOOD, BAD = [0, 2, 4, 5, 6, 7], [1, 3]
PACK = [
    dict(type="FormatClips"),
    dict(
        type="PackActionInputs",
        collect_keys=["rgb", "flow", "audio"],
        meta_keys=["presence"],  # no filename: the data set sees to that
    ),
]


def pipeline(*between, timeout=60.0):
    steps = [
        dict(type="OpenMedia", timeout=timeout),
        *between,
        dict(type="SampleClips", clip_len=4, fps=12),
        dict(type="LoadFrames"),
        dict(type="LoadWaveform"),
        dict(type="Resize", scale=(SIZE, SIZE), keep_ratio=False),
        dict(type="Flip", flip_ratio=0.5),
        dict(type="ComputeFlow"),
        dict(type="LogMel"),
        *PACK,
    ]
    return [TRANSFORMS.build(step) for step in steps]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight files; number 1 is text, number 3 is an mp4 without its end."""
    folder = tmp_path_factory.mktemp("videos")
    sound = np.sin(np.arange(16000) / 20).astype(np.float32)[None]
    for number in range(8):
        write_coded(folder / f"{number}.mp4", 25, width=64, height=48,
                    waveform=sound, sample_rate=16000)  # fmt: skip
    whole = (folder / "3.mp4").read_bytes()
    (folder / "1.mp4").write_text("this is no film\n" * 100)
    (folder / "3.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "list.txt").write_text("".join(f"{n}.mp4 {n}\n" for n in range(8)))
    return folder


def dataset(folder, lines=None, **kwargs):
    path = folder / "list.txt"
    if lines is not None:
        path = folder / f"list{len(lines)}.txt"
        path.write_text("".join(f"{n}.mp4 {n}\n" for n in lines))
    kwargs.setdefault("pipeline", pipeline())
    return MultiModalVideoDataset(
        str(path), data_prefix=dict(video=str(folder)), **kwargs
    )


def name(sample):
    return os.path.basename(sample["data_samples"].filename)


def test_errors_go_on_where_nobody_counts(folder):
    for test_mode in (False, True):
        data = dataset(folder, test_mode=test_mode)
        with pytest.raises(MediaError, match=r"1\.mp4: "):
            data[1]
    assert name(data[0]) == "0.mp4"


def test_another_takes_the_place_in_training(folder):
    data = dataset(folder)
    data.tolerate(8)
    for index in BAD:
        sample = data[index]
        assert int(name(sample)[0]) in GOOD
        (path, reason), *_ = sample["data_samples"].replaced
        assert path == str(folder / f"{index}.mp4")
        assert reason and "mp4" not in reason.split()[0]
        assert int(sample["data_samples"].gt_label) == int(name(sample)[0])
    assert "replaced" not in data[0]["data_samples"]


def test_the_replacement_is_a_function_of_the_place(folder):
    """Of nothing that happened before, and not of how far the bad file was read."""
    data = dataset(folder)
    data.tolerate(8)
    place = (7, 2, 1)
    first = data[SeededIndex(1, place)]
    torch.rand(5), np.random.rand(3)
    again = data[SeededIndex(1, place)]
    assert torch.equal(first["inputs"]["rgb"], again["inputs"]["rgb"])
    other_fault = data[SeededIndex(3, place)]  # fails later in its file
    assert name(other_fault) == name(first)
    assert torch.equal(first["inputs"]["flow"], other_fault["inputs"]["flow"])
    whole, same, other = (data[SeededIndex(0, (7, 2, k))] for k in (4, 4, 5))
    assert torch.equal(whole["inputs"]["rgb"], same["inputs"]["rgb"])
    assert not torch.equal(whole["inputs"]["rgb"], other["inputs"]["rgb"])
    names = {name(data[SeededIndex(1, (7, 2, k))]) for k in range(12)}
    assert len(names) > 2


def test_nothing_is_dropped_in_testing(folder):
    data = dataset(folder, test_mode=True)
    data.tolerate(8)
    whole = data[0]
    for index in range(8):
        sample = data[index]
        meta = sample["data_samples"].metainfo
        assert meta["filename"] == str(folder / f"{index}.mp4")
        assert int(sample["data_samples"].gt_label) == index
        assert ("failure" in meta) == (index in BAD)
        assert set(meta["presence"].values()) == {index not in BAD}
        for modality, value in sample["inputs"].items():
            assert value.shape == whole["inputs"][modality].shape
            assert value.dtype == whole["inputs"][modality].dtype
        if index in BAD:
            assert meta["failure"] and not sample["inputs"]["rgb"].any()
            assert not sample["inputs"]["flow"].any()


@pytest.mark.parametrize("wrap", ["repeat", "concat"])
def test_within_wrappers(folder, wrap):
    data = dataset(folder)
    data.tolerate(8)
    wrapped = (
        RepeatDataset(data, 2) if wrap == "repeat" else ConcatDataset([data, data])
    )
    sample = wrapped[SeededIndex(9, (1, 1, 1))]
    assert sample["data_samples"].replaced[0][0] == str(folder / "1.mp4")


@pytest.mark.parametrize(
    ("limit", "lines", "count"), [(10, [1, 3], 2), (1, list(range(8)), 1)]
)
def test_bad_ones_in_a_row(folder, limit, lines, count):
    """As many as allowed; or all there are, each tried once."""
    data = dataset(folder, lines)
    data.tolerate(limit)
    with pytest.raises(BadDataError) as caught:
        data[lines.index(1)]
    text = str(caught.value)
    assert f"{count} samples in a row cannot be used, of {len(lines)}" in text
    assert f"  {folder / '1.mp4'}: " in text
    assert (f"  {folder / '3.mp4'}: " in text) == (count == 2)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args


def test_none_is_tried_twice_for_one_place(folder):
    tried = []
    note = TRANSFORMS.build(dict(type="_Fault", only=".mp4", act=tried.append))
    data = dataset(folder, [1, 3], pipeline=[note, *pipeline()])
    data.tolerate(10)
    for index in (0, 1) * 4:
        tried.clear()
        with pytest.raises(BadDataError):
            data[index]
        assert len({results["filename"] for results in tried}) == len(tried) == 2


def test_the_summary_comes_out_of_a_loader_process(folder):
    data = dataset(folder, [1, 3])
    data.tolerate(10)
    loader = DataLoader(data, num_workers=1, collate_fn=pseudo_collate)
    iterator = iter(loader)
    with pytest.raises(BadDataError) as caught:
        next(iterator)
    iterator._shutdown_workers()  # else torch waits 5 s when it is collected as garbage
    text = str(caught.value)
    assert f"  {folder / '1.mp4'}: " in text and f"  {folder / '3.mp4'}: " in text
    assert "During handling" not in text


def test_loader_processes_that_run_already_hear_of_it(folder):
    data = dataset(folder)
    loader = DataLoader(data, num_workers=1, collate_fn=pseudo_collate,
                        prefetch_factor=1, sampler=[0, 2, 4, 1])  # fmt: skip
    iterator = iter(loader)  # MMEngine's loop over iterations starts them this early
    data.tolerate(8)
    assert "replaced" in [*iterator][-1]["data_samples"][0]


def test_a_file_that_vanishes(folder, tmp_path):
    write_coded(tmp_path / "0.mp4", 5, width=64, height=48)
    write_coded(tmp_path / "1.mp4", 5, width=64, height=48)
    data = dataset(tmp_path, [0, 1])
    data.tolerate(2)
    (tmp_path / "1.mp4").unlink()
    ((path, reason),) = data[1]["data_samples"].replaced
    assert path == str(tmp_path / "1.mp4") and "not found" in reason


def test_a_file_that_takes_too_long(folder):
    data = dataset(folder, [0, 2], pipeline=pipeline(timeout=1e-6))
    data.tolerate(10)
    with pytest.raises(BadDataError, match=r"0\.mp4: was not read within 1e-06 s"):
        data[0]


def test_damage_is_noted(folder, tmp_path):
    """A fragmented file that was cut: the frames that exist are used."""
    fragments = {"movflags": "frag_keyframe+empty_moov"}
    path = write_coded(tmp_path / "0.mp4", 50, container_options=fragments)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    for test_mode in (False, True):
        data = dataset(tmp_path, [0], test_mode=test_mode)
        data.tolerate(2)
        sample = data[0]
        assert sample["data_samples"].damage
        assert all(isinstance(what, str) for what in sample["data_samples"].damage)
        assert sample["data_samples"].presence["rgb"]
        assert sample["inputs"]["rgb"].any()
    assert "damage" not in dataset(folder)[0]["data_samples"]


@TRANSFORMS.register_module()
class _Fault(BaseTransform):
    """Does something to one file."""

    def __init__(self, act, only="2.mp4"):
        self.act, self.only = act, only

    def transform(self, results):
        if results["filename"].endswith(self.only):
            self.act(results)
        return results


@pytest.mark.parametrize("test_mode", [False, True])
@pytest.mark.parametrize("error", [KeyError, TypeError, ValueError, MemoryError])
def test_mistakes_of_the_program_go_on(folder, error, test_mode):
    def fail(results):
        raise error("a mistake")

    steps = pipeline(dict(type="_Fault", act=fail))
    data = dataset(folder, pipeline=steps, test_mode=test_mode)
    data.tolerate(8)
    with pytest.raises(error, match="a mistake"):
        data[2]


def test_a_machine_without_file_descriptors_is_no_bad_sample(folder):
    data = dataset(folder)
    data.tolerate(8)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        with pytest.raises((OSError, MediaError), match="Too many open files"):
            while True:
                used.append(open(os.devnull))
        with pytest.raises((OSError, MediaError), match="Too many open files"):
            data[0]
    finally:
        for file in used:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_an_open_file_is_closed_after_a_failure(folder):
    seen = []

    def fail(results):
        seen.append(results["media"])
        raise MediaError(results["filename"], "is odd")

    data = dataset(folder, pipeline=pipeline(dict(type="_Fault", act=fail)))
    data.tolerate(8)
    data[2]
    with pytest.raises(Exception):  # noqa: B017 (whatever a closed file raises)
        seen[0].frames_at([0.0])


def kill(results):
    os.kill(os.getpid(), signal.SIGKILL)


def hang(results):
    """A call of C that never returns and keeps the interpreter's lock."""
    re.match(r"(a+)+b", "a" * 64)


def held_at_the_end(data, answer):
    """In a process of its own: torch raises a loader's end into whatever runs then."""
    iterator = iter(DataLoader(data, num_workers=2, collate_fn=pseudo_collate))
    pids = [worker.pid for worker in iterator._workers]
    try:
        for _ in range(8):
            next(iterator)
        ended = False
    except (RuntimeError, OSError, EOFError):
        ended = True
    with contextlib.suppress(RuntimeError):
        time.sleep(1)  # torch may be about to raise it
    answer.send((ended, data.held(pids), data.held([1])))
    os._exit(0)


@pytest.mark.parametrize(("act", "timeout"), [(kill, 60.0), (hang, 0.2)])
def test_what_a_dead_loader_process_held(folder, act, timeout, capfd):
    steps = pipeline(dict(type="_Fault", act=act), timeout=timeout)
    data = dataset(folder, pipeline=steps)
    data.tolerate(8)
    receive, send = multiprocessing.Pipe(duplex=False)
    forked = multiprocessing.get_context("fork")
    process = forked.Process(target=held_at_the_end, args=(data, send))
    process.start()
    assert receive.poll(60)
    ended, held, held_by_none = receive.recv()
    process.join()
    assert ended
    assert str(folder / "2.mp4") in held
    assert held_by_none == []
    if act is hang:
        assert "in hang" in capfd.readouterr().err


def test_nothing_is_held_after_a_whole_pass(folder):
    data = dataset(folder, GOOD)
    loader = DataLoader(data, num_workers=2, collate_fn=pseudo_collate)
    iterator = iter(loader)
    pids = [worker.pid for worker in iterator._workers]
    assert len([name(dict(data_samples=s["data_samples"][0])) for s in iterator]) == 6
    assert data.held(pids) == []
