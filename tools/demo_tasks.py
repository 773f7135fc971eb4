"""The tasks beside recognition: of each the data, a training, a test and a table.

    python tools/demo_tasks.py

starts from the streams that `make demo` has trained, each in a model of its own: with
others beside it, a stream learns only what these do not tell already. What is missing
of them is trained first. Run again, it keeps what is there of unchanged configs, data
and streams, and measures anew.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import demo
import demo_proof_analysis
import demo_proof_captions
import demo_proof_events
import demo_proof_frames
import demo_proof_summaries
from demo_proofs import Place, Proof, join_streams

from mmstconv.disk import local_path, print_any_name, refuse_foreign, write_own

# By name: the module with prove(place), and its data set below --data-root. A further
# task is a line here.
PROOFS = {
    "demo_events": (demo_proof_events, "demo_events"),
    "demo_summaries": (demo_proof_summaries, "demo_summaries"),
    "demo_captions": (demo_proof_captions, "demo_captions"),
    "demo_frames": (demo_proof_frames, "demo_frames"),
    "demo_analysis": (demo_proof_analysis, "demo_events"),
}
STREAMS = ("rgb", "flow", "audio")


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work-dir", type=local_path, default=Path("work_dirs"))
    parser.add_argument("--data-root", type=local_path, default=Path("data"))
    parser.add_argument("--tasks", nargs="+", choices=PROOFS, default=list(PROOFS))
    return parser.parse_args()


def trained_streams(args) -> dict[str, Path]:
    """The demo's checkpoint of each stream by itself; trains what is missing."""
    places = argparse.Namespace(
        work_dir=args.work_dir / "demo", data_root=args.data_root / "demo"
    )
    demo.make_data(places)
    threads = max(1, (os.cpu_count() or 1) // 2)
    runs = {name: demo.Run(name, demo.CONFIG[name], places, threads) for name in
            STREAMS}  # fmt: skip
    with ThreadPoolExecutor(2) as pool:
        for future in [pool.submit(run.train) for run in runs.values()]:
            future.result()
    return {name: run.checkpoint for name, run in runs.items()}


def main() -> int:
    print_any_name()
    args = parse_args()
    folder = args.work_dir / "demo_tasks"
    path = folder / "results.json"
    folder.mkdir(parents=True, exist_ok=True)
    refuse_foreign([path])
    start = time.time()
    streams = join_streams(trained_streams(args), folder / "streams.pth")
    seconds = {"streams": round(time.time() - start, 1)}
    proofs: dict[str, Proof] = {}
    for name in args.tasks:
        module, data = PROOFS[name]
        place = Place(name, args.work_dir, args.data_root / data, streams)
        proofs[name] = module.prove(place)
        seconds.update({f"{step} {name}": t for step, t in place.seconds.items()})
    for proof in proofs.values():
        print(f"\n{proof.table}")
    results = {name: proof.results for name, proof in proofs.items()}
    seconds["total"] = round(time.time() - start, 1)
    write_own(path, json.dumps(dict(results, seconds=seconds), indent=2) + "\n")
    print(f"\n{path} written after {seconds['total']:.0f} s")
    faults = [fault for proof in proofs.values() for fault in proof.faults]
    for fault in faults:
        print(f"FAILED: {fault}", file=sys.stderr)
    return bool(faults)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("demo_tasks: interrupted; run again, it goes on from here")
    except (RuntimeError, OSError, ValueError) as error:
        sys.exit(f"demo_tasks: {error}")
