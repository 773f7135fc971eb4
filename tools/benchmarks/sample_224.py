"""Row 3: a tri-modal training sample on web video, 224 pixels.

Ours: RGB, DIS flow, log-mel. Peer: MMAction2's RGB alone at 224 pixels. One core.

    python tools/benchmarks/sample_224.py
"""

from __future__ import annotations

from bench_clips import WEB
from measuring import report
from pipelines import compare_samples

GOAL = 1.0

if __name__ == "__main__":
    report(compare_samples("3", WEB, GOAL, size=224))
