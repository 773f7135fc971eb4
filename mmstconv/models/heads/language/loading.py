"""A Hugging Face language model and its tokenizer from a folder of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType

PIP = 'pip install "mmstconv[language]"'
FETCH = "python -m mmstconv download-weights get smollm2-135m-instruct"


def needed_package(name: str) -> ModuleType:
    """A package of the extra ``language``, imported.

    Raises:
        ImportError: It is not installed; says how to.
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ImportError(f"a language model needs {name}: {PIP}") from None


def load_folder(folder: str) -> tuple:
    """The model and the tokenizer of a folder.

    It holds what ``save_pretrained`` writes, or one GGUF file that carries both.
    Nothing is fetched, and no code of the folder runs.

    Args:
        folder: With a causal or an encoder-decoder model.

    Returns:
        The model, float32, in evaluation mode, and the tokenizer.

    Raises:
        FileNotFoundError: There is no such folder, or no model in it.
        ValueError: It cannot be read; says why.
        ImportError: transformers or gguf is not installed.
    """
    path = Path(folder)
    options = dict(local_files_only=True)
    if not (path / "config.json").is_file():
        options["gguf_file"] = gguf_file(path)
        needed_package("gguf")
    hf = needed_package("transformers")
    torch = import_module("torch")
    with _without_bars(hf):
        try:
            tokenizer = hf.AutoTokenizer.from_pretrained(path, **options)
            config = hf.AutoConfig.from_pretrained(path, **options)
            kind = "Seq2SeqLM" if config.is_encoder_decoder else "CausalLM"
            auto = getattr(hf, f"AutoModelFor{kind}")
            model = auto.from_pretrained(path, dtype=torch.float32, **options)
        except (OSError, ValueError, KeyError) as error:
            first = (str(error).strip().splitlines() or [""])[0]
            raise ValueError(
                f"language_model {folder!r}: no causal or encoder-decoder model with "
                f"its tokenizer can be read there ({type(error).__name__}: {first})"
            ) from error
    if tokenizer.eos_token_id is None:
        raise ValueError(
            f"language_model {folder!r}: its tokenizer has no eos_token, so a sentence "
            "would have no end"
        )
    return model.eval(), tokenizer


def gguf_file(path: Path) -> str:
    """Name of the only GGUF file of a folder.

    Raises:
        FileNotFoundError: There is none, or there are several.
    """
    if not path.is_dir():
        raise FileNotFoundError(
            f"language_model {str(path)!r}: there is no such folder. Put a "
            "Hugging Face model there (save_pretrained of model and tokenizer), or: "
            f"{FETCH}"
        )
    found = sorted(one.name for one in path.glob("*.gguf"))
    if len(found) != 1:
        raise FileNotFoundError(
            f"language_model {str(path)!r}: expected config.json, or one GGUF file, "
            f"found {', '.join(found) or 'neither'}"
        )
    return found[0]


@contextmanager
def _without_bars(hf: ModuleType) -> Iterator[None]:
    """The progress bars of transformers, off for a while."""
    log = hf.utils.logging
    shown = log.is_progress_bar_enabled()
    log.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            log.enable_progress_bar()
