"""One of two processes of test_processes.py: ``python process_worker.py FOLDER DATA``.

Both go through the scenarios in turn, each with a process group of its own, and write
how it ended into ``FOLDER/SCENARIO/rank{0,1}.pt``.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
from pathlib import Path

import torch
from conftest import load_script
from engine.resume_run import run_config
from mmengine.evaluator import BaseMetric
from mmengine.hooks import Hook
from mmengine.registry import HOOKS, METRICS

from mmstconv.engine.failures import explain_failures
from mmstconv.engine.launch import build_runner

RANK = int(os.environ["RANK"])
os.environ["MMSTCONV_TRACEBACK"] = "1"  # errors as they are raised
BAD = 1  # samples 1, 3, 5 are read by the second process


@METRICS.register_module(force=True)
class Counted(BaseMetric):
    """How many samples the evaluation counts, and of which classes."""

    def process(self, data_batch, data_samples) -> None:
        self.results += [sample["gt_label"].item() for sample in data_samples]

    def compute_metrics(self, results: list) -> dict:
        return dict(counted=len(results), labels=sum(results))


class _OnSecond(Hook):
    """At the second step of the second process."""

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        if RANK == 1 and runner.iter == 1:
            self.act(data_batch)


@HOOKS.register_module(force=True)
class SpoilInput(_OnSecond):
    def act(self, data_batch) -> None:
        data_batch["inputs"]["audio"][0][:] = float("nan")


@HOOKS.register_module(force=True)
class KillProcess(_OnSecond):
    def act(self, data_batch) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


@HOOKS.register_module(force=True)
class Hang(_OnSecond):
    """Until the other has given up."""

    def act(self, data_batch) -> None:
        wait_for(Path(sys.argv[1], "hang", "rank0.pt"))


def wait_for(path: Path) -> None:
    ends = time.time() + 60
    while not path.exists() and time.time() < ends:
        time.sleep(0.05)


def config(folder: Path, demo_data: Path, *, broken: tuple[int, ...] = ()):
    """Seven samples to train and seven to validate, for two processes."""
    cfg = run_config(demo_data, folder / f"rank{RANK}")
    cfg.work_dir = str(folder)
    for split in ("train", "val"):
        loader = cfg[f"{split}_dataloader"]
        lines = Path(loader.dataset.ann_file).read_text().splitlines()[:7]
        if split == "train":
            loader.sampler.shuffle = False
            for index in broken:
                lines[index] = f"broken_{index}.mp4 0"
        loader.batch_size = 2
        loader.dataset.ann_file = str(folder / f"{split}_{RANK}.txt")
        Path(loader.dataset.ann_file).write_text("\n".join(lines))
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.bad_samples.max_share = 1.0
    cfg.custom_hooks[-1]["interval"] = 1
    cfg.val_evaluator.append(dict(type="Counted"))
    cfg.randomness = dict(seed=4)
    return cfg


def run(name: str, folder: Path, cfg, trained=None, launcher="pytorch") -> None:
    """Train; note the error, the time it took, and the weights."""
    (folder / name / f"ready{RANK}").touch()
    wait_for(folder / name / f"ready{1 - RANK}")
    started = time.time()
    result: dict = dict(error="")
    runner = None
    try:
        if trained is None:
            runner = build_runner(cfg, "", None, launcher)
            with explain_failures(runner):
                runner.train()
            scalars = runner.message_hub.log_scalars
            result["counted"] = [
                int(scalars[f"val/{key}"].current()) for key in ("counted", "labels")
            ]
            weights = runner.model.state_dict()
            result["weights"] = {key: value.clone() for key, value in weights.items()}
        else:
            trained()
    except Exception as error:
        result["error"] = f"{type(error).__name__}: {error}"
    result["seconds"] = time.time() - started
    torch.save(result, folder / name / f"rank{RANK}.pt")
    # What the end of a process does; the other may still wait for this one.
    runner = None
    gc.collect()
    torch.distributed.destroy_process_group()


def started_by(launcher: str, folder: Path) -> dict[str, str]:
    """What a process finds that ``srun -n 2`` or ``mpirun -n 2`` has started."""
    if launcher == "mpi":
        job = dict.fromkeys(("SIZE", "LOCAL_SIZE"), "2")
        job |= dict.fromkeys(("RANK", "LOCAL_RANK"), str(RANK))
        return {f"OMPI_COMM_WORLD_{name}": value for name, value in job.items()}
    scontrol = folder / f"bin{RANK}" / "scontrol"
    scontrol.parent.mkdir()
    scontrol.write_text(
        '#!/bin/sh\n[ "$*" = "show hostnames node[1-2]" ] && echo 127.0.0.1 && echo b\n'
    )
    scontrol.chmod(0o755)
    return dict(
        SLURM_PROCID=str(RANK),
        SLURM_LOCALID="0",
        SLURM_NTASKS="2",
        SLURM_NNODES="2",
        SLURM_NODELIST="node[1-2]",
        PATH=f"{scontrol.parent}{os.pathsep}{os.environ['PATH']}",
    )


def main(folder: Path, demo_data: Path) -> None:
    torch.set_num_threads(1)
    ports = iter(os.environ["PORTS"].split())

    def prepared(name: str, hook: str | None = None, **kwargs):
        os.environ["MASTER_PORT"] = next(ports)
        (folder / name).mkdir(exist_ok=True)
        cfg = config(folder / name, demo_data, **kwargs)
        if hook:
            cfg.custom_hooks.append(dict(type=hook))
        return name, folder, cfg

    run(*prepared("whole", broken=(BAD,)))

    name, folder, cfg = prepared("resumed", broken=(BAD,))
    cfg.resume, cfg.load_from = True, str(folder / "whole" / "iter_3.pth")
    run(name, folder, cfg)

    environment = dict(os.environ)
    for launcher in ("slurm", "mpi"):
        name, folder, cfg = prepared(launcher)
        for variable in ("RANK", "WORLD_SIZE", "MASTER_ADDR"):
            del os.environ[variable]
        os.environ.update(started_by(launcher, folder / name))
        cfg.train_cfg.max_epochs = 1
        run(name, folder, cfg, launcher=launcher)
        os.environ.clear()
        os.environ.update(environment)

    run(*prepared("nan", "SpoilInput"))

    name, folder, cfg = prepared("policy", broken=(1, 3, 5))
    cfg.default_hooks.bad_samples.max_in_a_row = 1
    run(name, folder, cfg)

    name, folder, cfg = prepared("hang", "Hang")
    cfg.env_cfg.dist_cfg.timeout = 4
    run(name, folder, cfg)

    name, folder, cfg = prepared("killed", "KillProcess")
    cfg.dump(folder / name / f"config_{RANK}.py")
    script = load_script("tools/train.py")
    sys.argv = ["train.py", str(folder / name / f"config_{RANK}.py")]
    sys.argv += ["--launcher", "pytorch"]
    run(name, folder, None, script.main)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
