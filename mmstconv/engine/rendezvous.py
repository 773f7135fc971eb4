"""How the processes of a job learn of each other: what a launcher has told each."""

from __future__ import annotations

import os
import subprocess

PORT = "29500"  # torch.distributed's own default
STARTER = dict(pytorch="torchrun", slurm="srun (of Slurm)", mpi="mpirun (of Open MPI)")
# The variables of torch.distributed, by what each launcher calls them.
VARIABLES = dict(
    pytorch=dict(RANK="RANK", WORLD_SIZE="WORLD_SIZE"),
    slurm=dict(
        RANK="SLURM_PROCID", WORLD_SIZE="SLURM_NTASKS", LOCAL_RANK="SLURM_LOCALID"
    ),
    mpi=dict(
        RANK="OMPI_COMM_WORLD_RANK",
        WORLD_SIZE="OMPI_COMM_WORLD_SIZE",
        LOCAL_RANK="OMPI_COMM_WORLD_LOCAL_RANK",
    ),
)


def tell_torch(launcher: str, port: int | None = None) -> None:
    """Set the variables that ``torch.distributed`` reads, as MMEngine does on GPUs.

    ``MASTER_ADDR`` and ``MASTER_PORT`` stay where they are set. Otherwise Slurm is
    asked for the first of the job's machines; under Open MPI it is this one, if all
    processes are here.

    Args:
        launcher: ``'pytorch'``, ``'slurm'`` or ``'mpi'``.
        port: Of the first process (``env_cfg.dist_cfg.port``).

    Raises:
        ValueError: The process was not started by that launcher, or cannot know where
            the first one is.
    """
    names = VARIABLES[launcher]
    missing = [name for name in names.values() if name not in os.environ]
    if missing:
        raise ValueError(
            f"--launcher {launcher} needs the environment of {STARTER[launcher]}, "
            f"which has set no {', '.join(missing)}: start the command with it"
        )
    for name, theirs in names.items():
        os.environ[name] = os.environ[theirs]
    if port is not None:
        os.environ["MASTER_PORT"] = str(port)
    os.environ.setdefault("MASTER_PORT", PORT)
    if "MASTER_ADDR" not in os.environ:
        os.environ["MASTER_ADDR"] = _first_machine(launcher)


def _first_machine(launcher: str) -> str:
    here = dict(
        pytorch=False,
        slurm=os.environ.get("SLURM_NNODES") == "1",
        mpi=os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") == os.environ["WORLD_SIZE"],
    )
    if here[launcher]:
        return "127.0.0.1"
    if launcher == "slurm":
        command = ["scontrol", "show", "hostnames"]
        command += [os.environ.get("SLURM_NODELIST", "")]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return done.stdout.split()[0]
        except (OSError, subprocess.CalledProcessError, IndexError):
            pass
    raise ValueError(
        f"--launcher {launcher}: set MASTER_ADDR to the name of the machine that the "
        "first process runs on"
    )
