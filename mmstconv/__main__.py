"""``mmstconv COMMAND ...`` and ``python -m mmstconv``: the scripts that mim calls."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType

from .disk import print_any_name
from .version import __version__

TOOLS = Path(__file__).parent / ".mim" / "tools"
OF_THE_CHECKOUT = {"benchmarks", "experiments"}  # folders of scripts for developers

# By what one does: each command's script and what it does. All other scripts are
# commands by the names of their files.
GROUPS = {
    "data": {
        "init": ("init.py", "lists and a config for a folder of videos"),
        "check": ("check.py", "check video files and lists of them"),
        "extract": ("data/extract.py", "frames, flow and log-mel features as files"),
        "prepare": ("data/prepare_videos.py", "re-encode videos for fast loading"),
        "write-shards": ("data/write_shards.py", "videos into tars (webdataset)"),
        "convert-annotations": (
            "data/convert_annotations.py",
            "write the lists of a published data set",
        ),
        "download": ("download_weights.py", "fetch published weights"),
        "convert": ("convert_checkpoint.py", "convert published weights"),
    },
    "train": {
        "train": ("train.py", "train a model"),
        "test": ("test.py", "test a trained model"),
        "report": ("analysis/modality_report.py", "what each modality brought"),
        "calibrate": ("analysis/calibrate.py", "fit a temperature to predictions"),
    },
    "use": {
        "predict": ("predict.py", "recognise video files"),
        "detect": ("detect.py", "detect events in video files"),
        "summarize": ("summarize.py", "a shorter film of the shots that matter"),
        "caption": ("caption.py", "say in sentences what video files hold"),
        "predict-frames": ("predict_frames.py", "forecast the frames of video files"),
        "analyze": ("analyze.py", "all that a model says of films, read once"),
        "features": ("features.py", "features of video files, aligned in time"),
        "score-video": ("score_video.py", "score a long video window by window"),
    },
    "look": {
        "bench": ("bench.py", "how fast this machine loads data and trains"),
        "completion": ("completion.py", "what bash or zsh needs to complete commands"),
        "doctor": ("doctor.py", "what is installed, and whether something is wrong"),
    },
}
COMMANDS = {name: row for rows in GROUPS.values() for name, row in rows.items()}

EXAMPLES = """\
  mmstconv train CONFIG
  mmstconv predict CONFIG work_dirs/NAME/epoch_20.pth films/ --out found.csv
  mmstconv report CONFIG CHECKPOINT
  torchrun --nproc-per-node 2 -m mmstconv train CONFIG --launcher pytorch"""


def scripts() -> dict[str, Path]:
    """Every script that may be started, by the name of its file."""
    paths = [*TOOLS.glob("*.py"), *TOOLS.glob("*/*.py")]
    return {
        path.stem: path
        for path in sorted(paths)
        if path.parent.name not in OF_THE_CHECKOUT
        and b'if __name__ == "__main__":' in path.read_bytes()
    }


def script_of(name: str) -> Path | None:
    """The script of a command, or of its file's name; ``-`` and ``_`` are alike."""
    name = name.replace("_", "-")
    if name in COMMANDS:
        return TOOLS / COMMANDS[name][0]
    return scripts().get(name.replace("-", "_"))


def usage() -> str:
    """What commands there are, on one screen."""
    lines = ["usage: mmstconv COMMAND ...     (mmstconv COMMAND --help says more)"]
    for group, rows in GROUPS.items():
        lines += [f"{group}:"] if rows else []
        lines += [f"  {name:20}{what}" for name, (_, what) in rows.items()]
    named = {Path(script).stem for script, _ in COMMANDS.values()}
    others = [stem.replace("_", "-") for stem in scripts() if stem not in named]
    lines += ["and:", *wrapped(others), "examples:", EXAMPLES]
    lines += ["exit code: 0 done, 1 failed (of files: one did), 2 misused, 130 Ctrl-C"]
    return "\n".join(lines)


def wrapped(names: list[str], width: int = 80) -> list[str]:
    """Names, several a line."""
    lines = ["  "]
    for name in names:
        if len(lines[-1]) + len(name) > width:
            lines.append("  ")
        lines[-1] += name + "  "
    return [line.rstrip() for line in lines]


def unknown(name: str) -> str:
    """What to answer to a name that is no command's."""
    known = [*COMMANDS, *(stem.replace("_", "-") for stem in scripts())]
    close = get_close_matches(name.replace("_", "-"), known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else "; see mmstconv --help"
    return f"mmstconv: there is no command '{name}'{hint}"


def start(script: Path) -> None:
    """Run a script as if it were started itself, but for its name in ``sys.argv``."""
    sys.path.insert(0, str(script.parent))  # it may import its neighbours
    program = ModuleType("__main__")
    program.__file__ = str(script)
    sys.modules["__main__"] = program  # which processes that it starts ask for
    exec(compile(script.read_bytes(), script, "exec"), vars(program))


def main() -> None:
    """Start the script of the command that the first argument names."""
    print_any_name()
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name in ("", "-h", "--help", "help"):
        print(usage())
        sys.exit(0 if name else 2)
    if name == "--version":
        print(f"mmstconv {__version__}")
        sys.exit(0)
    script = script_of(name)
    if script is None:
        print(unknown(name), file=sys.stderr)
        sys.exit(2)
    sys.argv = [f"mmstconv {name}", *sys.argv[2:]]
    try:
        start(script)
    except KeyboardInterrupt:  # while it imports; later ones it answers itself
        print(f"\n{name}: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
