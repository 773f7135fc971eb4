"""tools/cluster: each script, run as a task of Slurm or Kubernetes would be."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
import yaml
from conftest import ROOT

FOLDER = ROOT / "tools/cluster"
PAGE = (ROOT / "docs/scaling.md").read_text(encoding="utf-8")
SHOW = "#!/bin/bash\nprintf '%s\\n' \"$@\"\n"  # in Python's place
TRAIN = dict(SLURM_JOB_NODELIST="n[1-2]", SLURM_JOB_ID="41234", SLURM_JOB_NUM_NODES="2")


def run(tmp_path, script, *args, python=None, **env):
    """A script with Slurm's commands in its path, as if there were such a job."""
    stubs = dict(
        show=SHOW,
        scontrol="#!/bin/bash\necho n1\necho n2\n",
        srun='#!/bin/bash\nwhile [[ $1 == --* ]]; do shift; done\nexec "$@"\n',
    )
    for name, content in stubs.items():
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = dict(PATH=path, PYTHON=python or str(tmp_path / "show"), **env)
    return subprocess.run(
        ["bash", str(FOLDER / script), *args],
        env=env,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_their_syntax():
    wrong = []
    for path in [*FOLDER.glob("*.sh"), *FOLDER.glob("*.sbatch")]:
        done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True)
        wrong += [done.stderr] if done.returncode or done.stderr else []
    assert not wrong
    named = set(re.findall(r"tools/cluster/([\w.-]+)", PAGE))
    assert named == {path.name for path in FOLDER.iterdir()}


def test_each_task_of_an_array_has_its_share(tmp_path):
    shards = []
    for number in (3, 4, 5):
        array = dict(
            SLURM_ARRAY_TASK_ID=str(number),
            SLURM_ARRAY_TASK_MIN="3",
            SLURM_ARRAY_TASK_COUNT="3",
        )
        done = run(tmp_path, "share.sh", "features", "a b.mp4", **array)
        *command, flag, shard = done.stdout.splitlines()
        assert command == ["-m", "mmstconv", "features", "a b.mp4"]
        assert flag == "--shard"
        shards.append(shard)
    assert shards == ["0/3", "1/3", "2/3"]
    done = run(tmp_path, "share.sh", "features")
    assert done.returncode == 2 and "neither SLURM_ARRAY_TASK_ID" in done.stderr


def test_the_indexed_job_starts_it_with_its_number(tmp_path):
    job = yaml.safe_load((FOLDER / "share-job.yaml").read_text())
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    (container,) = spec["template"]["spec"]["containers"]
    env = {one["name"]: one["value"] for one in container["env"]}
    assert env == {"SHARDS": str(spec["completions"])}
    assert container["command"] == ["bash", "tools/cluster/share.sh"]
    done = run(
        tmp_path, "share.sh", *container["args"], JOB_COMPLETION_INDEX="7", **env
    )
    assert done.stdout.splitlines()[-2:] == ["--shard", "7/16"]
    done = run(tmp_path, "share.sh", "features", JOB_COMPLETION_INDEX="7")
    assert done.returncode and "number of completions" in done.stderr


def test_a_training_job_starts_torchrun_on_each_machine(tmp_path):
    done = run(
        tmp_path, "train.sbatch", "my.py", "--amp", SLURM_GPUS_ON_NODE="4", **TRAIN
    )
    words = done.stdout.split()
    assert words[:2] == ["-m", "torch.distributed.run"], done
    flags = dict(zip(words[2:12:2], words[3:12:2]))
    assert flags == {
        "--nnodes": "2",
        "--nproc-per-node": "4",
        "--rdzv-id": "41234",
        "--rdzv-backend": "c10d",
        "--rdzv-endpoint": "n1:21234",
    }
    train = "-m mmstconv train my.py --amp --launcher pytorch --resume"
    assert words[12:] == train.split()


@pytest.mark.slow  # three processes that import torch
def test_torchrun_takes_these_flags(tmp_path):
    """One machine, one process: it starts the command, which shows its help."""
    alone = dict(TRAIN, SLURM_JOB_NUM_NODES="1", PROCESSES="1", OMP_NUM_THREADS="1")
    (tmp_path / "bin").mkdir()
    script = (FOLDER / "train.sbatch").read_text()
    assert '"$first:$port"' in script
    local = tmp_path / "local.sbatch"
    local.write_text(script.replace('"$first:$port"', '"127.0.0.1:0"'))
    done = run(tmp_path, local, "--help", python=sys.executable, **alone)
    assert done.returncode == 0 and "checkpoint to resume from" in done.stdout, done
