"""Lists the words of a data set's sentences, for a caption head of one's own.

    python -m mmstconv list-words data/captions.csv --out data/words.txt

The words that are said at least ``--at-least`` times, the most frequent first, one a
line. The last line that is printed says what ``vocabulary_size`` they need.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from mmstconv.disk import local_path, print_any_name, write_own

# As CAPTION_FORMATS of mmstconv.datasets, which takes long to import.
FORMATS = ["activitynet_captions", "audiocaps", "clotho", "csv", "msrvtt", "msvd"]


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ann_file", type=local_path, help="annotation of captions")
    parser.add_argument("--out", type=local_path, required=True, help="list of words")
    parser.add_argument("--format", choices=FORMATS, default="csv")
    parser.add_argument("--subset", help="of the annotation, where it has subsets")
    parser.add_argument(
        "--at-least", type=int, default=2, help="times that one is said"
    )
    args = parser.parse_args(arguments)
    if args.at_least < 1:
        parser.error("--at-least must be 1 or more")
    return args


def main(arguments: list[str] | None = None) -> None:
    print_any_name()
    args = parse_args(arguments)
    from mmstconv.engine.messages import short_errors

    with short_errors("list_words"):
        list_words(args)


def list_words(args: argparse.Namespace) -> None:
    from mmstconv.datasets.captions import read_captions
    from mmstconv.models.heads.captions.vocabulary import LETTERS, SPECIAL, words_in

    films = read_captions(str(args.ann_file), args.format, args.subset, mend=True)
    counts = Counter(
        word
        for film in films
        for sentence in film.sentences
        for word in words_in(sentence.text)
    )
    kept = [
        word
        for word, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))
        if count >= args.at_least and len(word.encode()) <= LETTERS
    ]
    if not kept:
        sys.exit(
            f"list_words: no word of {args.ann_file} is said {args.at_least} times: "
            "lower --at-least"
        )
    write_own(args.out, "\n".join(kept) + "\n")
    said = sum(counts.values())
    share = sum(counts[word] for word in kept) / said
    print(
        f"{args.out}: {len(kept)} of {len(counts)} words, {share:.1%} of what is said"
    )
    print(f"vocabulary_size={len(kept) + SPECIAL} or more")


if __name__ == "__main__":
    main()
