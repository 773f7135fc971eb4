"""Check video files before they are trained on.

mim run mmstconv check videos
mmstconv check videos/train.txt videos/val.txt --out checked

Every file is read with the reader that trains, in several processes: what it holds,
whether it can be used, whether the reader had to mend something, whether its sound is
silent. Files that are the same, to the byte or to the eye, are named, and those that
two lists share.

With --out: files.csv (a line a file), files.png, and of each list clean.txt without the
files that are bad. The same command again reads only what is new or has changed, and
goes on after an interruption. Several jobs share the work by --shard 0/4 to 3/4 and one
--out; when they are done, the same command without it writes the result of all. The
exit code is 1 if files are bad.
"""

import argparse
import json
import os
import sys

from engine_flags import add_engine_flags, check_engine_flags, engine_options
from file_names import add_shard_flag, of_shard, share_of
from starting import begin

from mmstconv.disk import local_path, print_any_name


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        epilog="example: mmstconv check train.txt val.txt --out checked",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=local_path,
        metavar="FILE",
        help="video, folder of them, or list (.txt: a path a line, with or without "
        "labels)",
    )
    for name in ("train", "val", "test"):
        parser.add_argument(
            f"--{name}", type=local_path, metavar="LIST", help=f"list of {name} files"
        )
    parser.add_argument(
        "--root",
        type=local_path,
        help="folder that names in lists are below; default: the list's own",
    )
    parser.add_argument(
        "--out", type=local_path, metavar="DIR", help="folder for what was found"
    )
    parser.add_argument(
        "--full", action="store_true", help="decode every frame, not a few windows"
    )
    parser.add_argument(
        "--keep-damaged",
        action="store_true",
        help="files that the reader can mend are not bad",
    )
    parser.add_argument(
        "--workers", type=int, help="processes; default: one a core; 0: in this one"
    )
    add_engine_flags(parser)
    add_shard_flag(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be read, read nothing"
    )
    parser.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    args = parser.parse_args()
    args.files += [one for one in (args.train, args.val, args.test) if one]
    if not args.files:
        parser.error("name a video, a folder of them, or a list")
    if args.shard and not args.out:
        parser.error("--shard needs --out, where all jobs note what they find")
    if args.workers is not None and args.workers < 0:
        parser.error("--workers must not be negative")
    check_engine_flags(parser, args)
    return args


def main():
    args = parse_args()
    print_any_name()
    begin("check")
    from mmstconv.engine.messages import short_errors

    kept = "what was read is lost; --out DIR would keep it"
    if args.out:
        kept = f"{args.out} has the files that are done, the same command goes on"
    with short_errors("check", kept):
        code = check(args)
    sys.exit(code)


def check(args) -> int:
    """Does what the arguments say; returns the exit code."""
    from mmstconv.apis.checking.journal import NAME, CheckJournal
    from mmstconv.apis.checking.lists import gather
    from mmstconv.apis.checking.run import outputs, plan, run, write
    from mmstconv.disk import refuse_foreign

    files, lists = gather(args.files, args.root)
    if lists and not any(path.exists() for path in files):
        raise FileNotFoundError(
            f"none of the files of {lists[0].path} is there, such as {files[0]}: "
            "--root names the folder that they are below"
        )
    files = share_of(files, args.shard)
    journal = None
    if args.out:
        path = of_shard(args.out / f"{NAME}.jsonl", args.shard)
        journal = CheckJournal(path, args.full)
    if args.out and not args.shard:
        refuse_foreign(outputs(args.out, lists).values())
    if args.dry_run:
        todo = plan(files, journal)
        print(
            f"{len(files)} files: {len(todo.known)} are known, {len(todo.left)} would "
            f"be read ({todo.size / 1e6:.1f} MB)"
        )
        return 0
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
    options = dict(full=args.full, workers=args.workers, shown=with_bar)
    if args.engine == "ray":
        from mmstconv.apis.checking.in_actors import check_by_ray

        place = of_shard(args.out / f"{NAME}.parts", args.shard)
        more = dict(full=args.full, **engine_options("check", args))
        options["read"] = lambda todo: check_by_ray(files, todo.known, place, **more)
    found = run(files, lists if not args.shard else (), journal, **options)
    bad = {one.path for one in found.checks if is_bad(one, args.keep_damaged)}
    written = []
    if args.out and not args.shard:
        written = write(found, args.out, lists, bad)
    say(args, found, bad, written)
    return int(bool(bad))


def is_bad(one, keep_damaged: bool) -> bool:
    return bool(one.error if keep_damaged else one.problem)


def say(args, found, bad, written) -> None:
    """Prints what was found."""
    from mmstconv.apis.checking.summary import counts, summary
    from mmstconv.apis.checking.table import rows_of

    if not args.json:
        print(summary(found.checks, found.groups, found.leaks, bad))
        for path in written:
            print(path)
        return
    leaks = [
        dict(
            lists=list(map(os.fspath, leak.lists)),
            what=leak.what,
            paths=list(map(os.fspath, leak.paths)),
        )
        for leak in found.leaks
    ]
    duplicates = [
        dict(paths=list(map(os.fspath, one.paths)), same_content=one.same_content)
        for one in found.groups
    ]
    result = dict(
        files=rows_of(found.checks, found.groups),
        bad=sorted(map(os.fspath, bad)),
        counts=counts(found.checks),
        duplicates=duplicates,
        leaks=leaks,
        written=list(map(os.fspath, written)),
    )
    print(json.dumps(result))


def with_bar(checks, todo):
    """The checks, with a progress bar; bad files are named as they are found."""
    from tqdm import tqdm

    total = len(todo.known) + len(todo.left)
    bar = dict(desc="check", unit="file", total=total, initial=len(todo.known))
    if not sys.stderr.isatty():
        bar["mininterval"] = 10  # a log wants few lines
    for one in tqdm(checks, **bar) if todo.left else checks:
        if one.error:
            tqdm.write(f"{one.path}: {one.error}", file=sys.stderr)
        yield one


if __name__ == "__main__":
    main()
