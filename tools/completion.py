"""Print what a shell needs to complete the names and flags of commands.

mmstconv completion bash > ~/.local/share/bash-completion/completions/mmstconv
mmstconv completion zsh > ~/.zfunc/_mmstconv       (a folder of $fpath)

It is written once, and again after an update. Needs shtab.
"""

import argparse
import re
import runpy
import sys
from unittest.mock import patch

from mmstconv import __main__ as command
from mmstconv.disk import print_any_name

# Arguments that are files or folders but say so by no type.
FILES = set("config checkpoint files file videos video out weights events".split())
FILES |= set("holdout work_dir show_dir dump resume".split())
SEVERAL = 9  # values of an option that zsh completes after the first
# What shtab 1.7 to 1.13 writes, and what it should be.
MENDED = dict(
    # another option may follow one that takes any number of files
    bash=(
        r'-z "\$current_action_compgen" \|\|',
        r'-z "$current_action_compgen" || "$current_action_nargs" == [+*?] ||',
    ),
    # FILE [FILE ...] are several
    zsh=(r'^  "\(\*\)::?', '  "*:'),
)


class Found(BaseException):
    """A script's parser, found where the script would have read its arguments."""

    def __init__(self, parser):
        super().__init__()
        self.parser = parser


def parse_args():
    parser = argparse.ArgumentParser(
        description="Print what a shell needs to complete commands",
        epilog='example: eval "$(mmstconv completion bash)"',
    )
    parser.add_argument("shell", choices=["bash", "zsh"])
    return parser.parse_args()


def parser_of(script):
    """The parser that a script reads its arguments with; None if it has none."""

    def found(self, *args, **kwargs):
        raise Found(self)

    readers = ("parse_args", "parse_intermixed_args", "parse_known_args")
    changed = {name: found for name in readers}
    path = [str(script.parent), *sys.path]
    with (
        patch.multiple(argparse.ArgumentParser, **changed),
        patch.object(sys, "path", path),
        patch.object(sys, "argv", [script.stem]),
    ):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except Found as end:
            return end.parser
        except SystemExit:
            return None
    return None


def whole_parser(file_completion, shell):
    """All commands as the commands of one parser.

    Args:
        file_completion: What shtab takes for an argument that is a file.
        shell: That completes.
    """
    parser = argparse.ArgumentParser(prog="mmstconv")
    commands = parser.add_subparsers()
    for name, (script, what) in command.COMMANDS.items():
        if script == "completion.py":
            commands.add_parser(name, help=what).add_argument(
                "shell", choices=["bash", "zsh"]
            )
            continue
        own = parser_of(command.TOOLS / script)
        if own is None:
            continue
        for action in actions_of(own):
            if action.dest in FILES or getattr(action.type, "__name__", "") in (
                "local_path",
                "Path",
            ):
                action.complete = file_completion
            if shell == "zsh" and action.option_strings:
                say_values(action)
        commands.add_parser(name, help=what, parents=[own], add_help=False)
    return parser


def actions_of(parser):
    """The arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from actions_of(inner)


def say_values(action):
    """Let zsh complete every value of an option; shtab names the first alone."""
    name = action.metavar or action.dest
    if action.nargs in ("+", "*"):
        values = "_files" if hasattr(action, "complete") else ""
        action.metavar = f"{name}:{values}::" * SEVERAL + name
    elif action.nargs == "?":
        action.metavar = f":{name}"
    elif isinstance(name, tuple):
        action.metavar = ":_files:".join(name)


def main():
    print_any_name()
    args = parse_args()
    try:
        import shtab
    except ImportError:
        sys.exit("completion: needs shtab: pip install 'mmstconv[completion]'")
    text = shtab.complete(whole_parser(shtab.FILE, args.shell), args.shell)
    wrong, right = MENDED[args.shell]
    print(re.sub(wrong, right, text, flags=re.MULTILINE))


if __name__ == "__main__":
    main()
