"""Row 6b: a tri-modal training sample on 720 and 1080 lines.

Ours: RGB, DIS flow, log-mel, 112 pixels. Peer: MMAction2's RGB alone. One core.

    python tools/benchmarks/sample_high.py
"""

from __future__ import annotations

import pipelines
from bench_clips import HIGH
from measuring import report

GOAL = 0.25

if __name__ == "__main__":
    pipelines.ROUNDS = 7  # a sample of the peer takes most of a second
    report(pipelines.compare_samples("6b", HIGH, GOAL))
