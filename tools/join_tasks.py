"""Join models of single tasks, on the same streams and joint, into one model.

python tools/join_tasks.py --task events CONFIG CHECKPOINT
    --task summary CONFIG CHECKPOINT [--task ...] --out joined.pth

Writes joined.pth and, beside it, joined.py, its config. Each head says what it says in
its own model. Where streams, clips or joint differ, one sentence says in what, and
nothing is written.
"""

import argparse

from starting import begin

from mmstconv.disk import local_path, print_any_name


def parse_args():
    parser = argparse.ArgumentParser(description="Join models of single tasks")
    parser.add_argument(
        "--task",
        action="append",
        nargs=3,
        required=True,
        metavar=("NAME", "CONFIG", "CHECKPOINT"),
        help="a name of your choice, and the model; once for each task",
    )
    parser.add_argument(
        "--out", type=local_path, required=True, help=".pth; the config goes beside it"
    )
    parser.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in checkpoints, which may run code: only your own",
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    args = parser.parse_args()
    names = [name for name, _, _ in args.task]
    if len(set(names)) < len(names):
        parser.error(f"each task needs a name of its own, got {', '.join(names)}")
    return args


def main():
    print_any_name()
    args = parse_args()
    begin("join_tasks")
    from mmstconv.apis import join_tasks
    from mmstconv.engine.messages import short_errors

    tasks = {name: (config, checkpoint) for name, config, checkpoint in args.task}
    with short_errors("join_tasks", "nothing was written"):
        config, checkpoint = join_tasks(tasks, args.out, trust=args.trust)
    print(config)
    print(checkpoint)


if __name__ == "__main__":
    main()
