"""Say what this installation and machine have, and whether something is wrong.

mmstconv doctor [--json]

Names the versions of the packages that are needed and whether they fit, what optional
ones are missing and which extra brings them, what of other packages is repaired, and
processor, memory and devices. The exit code is 1 if something that is needed is missing
or broken.
"""

import argparse
import json
import sys

from starting import begin

from mmstconv.disk import print_any_name


def parse_args():
    parser = argparse.ArgumentParser(
        description="Say what this installation has, and whether something is wrong",
        epilog="example: mmstconv doctor --json > environment.json",
    )
    parser.add_argument("--json", action="store_true", help="for machines")
    return parser.parse_args()


def main():
    print_any_name()
    args = parse_args()
    begin("doctor")  # what is broken is found one by one
    from mmstconv.apis.environment import as_text, examine

    found = examine()
    print(json.dumps(found.as_json(), indent=1) if args.json else as_text(found))
    sys.exit(bool(found.problems))


if __name__ == "__main__":
    main()
