"""Row 1: a tri-modal training sample on web video, 112 pixels.

Ours: RGB, DIS flow, log-mel. Peer: MMAction2's RGB alone. One core, opening included.

    python tools/benchmarks/sample_112.py
"""

from __future__ import annotations

from bench_clips import WEB
from measuring import report
from pipelines import compare_samples

GOAL = 0.85

if __name__ == "__main__":
    report(compare_samples("1", WEB, GOAL))
