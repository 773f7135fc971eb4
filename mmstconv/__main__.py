"""``python -m mmstconv COMMAND ...``: the scripts that mim calls, without mim."""

from __future__ import annotations

import runpy
import sys
from difflib import get_close_matches
from pathlib import Path

TOOLS = Path(__file__).parent / ".mim" / "tools"

# By name: the script, and what it does. Of the last the help says "mmaction2 TOOL".
COMMANDS = {
    "train": ("train.py", "train a recognizer"),
    "test": ("test.py", "test a trained recognizer"),
    "predict": ("predict.py", "recognise video files"),
    "score_video": ("score_video.py", "score a long video window by window"),
    "cache_steps": ("cache_steps.py", "cache what the streams say along videos"),
    "features": ("features.py", "write features of video files"),
    "detect": ("detect.py", "detect events in video files"),
    "analyze": ("analyze.py", "all that a model says of films, read once"),
    "caption": ("caption.py", "say in sentences what video files hold"),
    "join_tasks": ("join_tasks.py", "join models of tasks on one trunk"),
    "summarize": ("summarize.py", "a shorter film of the shots that matter"),
    "predict_frames": ("predict_frames.py", "forecast the frames of video files"),
    "prepare_videos": ("data/prepare_videos.py", "re-encode videos for fast loading"),
    "write_shards": ("data/write_shards.py", "write videos into tars (webdataset)"),
    "convert_checkpoint": ("convert_checkpoint.py", "convert published weights"),
    "download_weights": ("download_weights.py", "fetch published weights"),
    "modality_report": ("analysis/modality_report.py", "what each modality brought"),
    "calibrate": ("analysis/calibrate.py", "fit a temperature to predictions"),
    "get_flops": ("analysis/get_flops.py", "multiply-adds and parameters"),
    "list_backbones": ("analysis/list_backbones.py", "backbones by name"),
    "make_demo_dataset": ("data/make_demo_dataset.py", "generate the demo's videos"),
    "make_event_dataset": ("data/make_event_dataset.py", "generate long videos"),
    "make_summary_dataset": ("data/make_summary_dataset.py", "generate films to cut"),
    "make_caption_dataset": (
        "data/make_caption_dataset.py",
        "generate captioned clips",
    ),
    "make_frame_dataset": ("data/make_frame_dataset.py", "generate digits that turn"),
    "list_words": ("data/list_words.py", "list the words of captions"),
    "join_clips": ("data/join_clips.py", "join clips into long videos with events"),
    "mmaction2": ("mmaction2.py", "run one of MMAction2's tools"),
}


def usage() -> str:
    lines = [f"  {name:22}{what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: python -m mmstconv COMMAND ...",
            "",
            *lines,
            "",
            "python -m mmstconv COMMAND --help says more. In several processes:",
            "torchrun --nproc-per-node 2 -m mmstconv train CONFIG --launcher pytorch",
        ]
    )


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help", "help"):
        print(usage())
        sys.exit(0 if len(sys.argv) > 1 else 2)
    name = sys.argv[1].replace("-", "_")
    if name not in COMMANDS:
        close = get_close_matches(name, COMMANDS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else f"\n\n{usage()}"
        print(f"mmstconv: there is no command '{sys.argv[1]}'{hint}", file=sys.stderr)
        sys.exit(2)
    script = TOOLS / COMMANDS[name][0]
    sys.argv = [f"python -m mmstconv {name}", *sys.argv[2:]]
    # As if the script were started itself: it may import its neighbours, and the
    # package as a whole, of which this command has imported next to nothing.
    sys.path.insert(0, str(script.parent))
    for module in [one for one in sys.modules if one.partition(".")[0] == "mmstconv"]:
        del sys.modules[module]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except KeyboardInterrupt:  # while it imports; later ones it answers itself
        print(f"\n{name}: interrupted", file=sys.stderr)
        sys.exit(130)


if __name__ == "__main__":
    main()
