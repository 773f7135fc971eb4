#!/bin/bash
# One job's share of a command over many files: task i of n adds `--shard i/n`.
#
#   sbatch --array 0-15 tools/cluster/share.sh features data/videos --out features --weights FILE
#
# Under Slurm i and n are those of the array; in a Kubernetes Job that is indexed, i is
# JOB_COMPLETION_INDEX and n is given as SHARDS (tools/cluster/share-job.yaml). A task
# that is run again goes on with what its files lack, as the command itself does.
#SBATCH --job-name=mmstconv-share
#SBATCH --requeue
set -euo pipefail
if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then
    shard=$((SLURM_ARRAY_TASK_ID - SLURM_ARRAY_TASK_MIN))/$SLURM_ARRAY_TASK_COUNT
elif [ -n "${JOB_COMPLETION_INDEX:-}" ]; then
    shard=$JOB_COMPLETION_INDEX/${SHARDS:?the number of completions of the Job}
else
    echo "share.sh: neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set" >&2
    exit 2
fi
exec "${PYTHON:-python}" -m mmstconv "$@" --shard "$shard"
