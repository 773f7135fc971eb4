"""Row 6: a tri-modal training sample on MPEG-4 in AVI, as UCF101 has it.

Ours: RGB, DIS flow, log-mel, 112 pixels. Peer: MMAction2's RGB alone. One core.

    python tools/benchmarks/sample_avi.py
"""

from __future__ import annotations

from bench_clips import AVI
from measuring import report
from pipelines import compare_samples

GOAL = 0.9

if __name__ == "__main__":
    report(compare_samples("6", AVI, GOAL))
