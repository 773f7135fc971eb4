"""Fetching the file of a sample that is not on this machine."""

from __future__ import annotations

from collections.abc import Iterable

from mmaction.registry import TRANSFORMS
from mmcv.transforms import BaseTransform

from mmstconv.disk import is_remote, public_name
from mmstconv.media.remote import Store, fetch

from .checks import positive_number, require
from .roles import Role

# Names of options, or parts of them, that are secrets.
SECRET = ("secret", "passw", "token", "credential", "account_key", "sas", "conn")
SECRET_NAMES = {"key", "username", "user", "auth", "cookies", "headers"}
WORDS = (None, "anon", "cloud", "google_default", "cache", "browser")  # gcsfs's tokens


@TRANSFORMS.register_module()
class FetchMedia(BaseTransform):
    """Fetches a file of an object store or a web server, before it is opened.

    Any address that `fsspec <https://filesystem-spec.readthedocs.io>`_ knows:
    ``s3://``, ``https://``, ``gs://``, ``file://``, ``memory://`` ... A file of up to
    8 MiB comes whole; of a larger one only the ranges that are read. Files of this
    machine pass as they are.

    A request that fails, takes too long or breaks off is made again, after waits that
    double. A file that cannot be had then is a bad sample, with its name.

    Credentials do not belong in a config, which is logged and saved with checkpoints:
    they come from where the store's own tools look (``AWS_ACCESS_KEY_ID`` ...,
    ``~/.aws``, ``GOOGLE_APPLICATION_CREDENTIALS``) or from fsspec's own variables and
    files (``FSSPEC_S3_KEY``, ``~/.config/fsspec``). Messages show addresses without
    user and query.

    Required Keys:

        - filename
        - part (optional): offset and size of a part of a file that is the sample's
        - failure (optional)

    Added Keys:

        - source: what ``OpenMedia`` opens in place of ``filename``

    Args:
        timeout: Seconds that a request may take; None is no limit.
        retries: How often a request is made again.
        **storage_options: Of fsspec's file system, such as ``endpoint_url`` or ``anon``
            of ``s3://``.

    Raises:
        ValueError: An option is a secret.
    """

    role = Role("fetch")

    def __init__(
        self, *, timeout: float | None = 30.0, retries: int = 4, **storage_options
    ) -> None:
        self.timeout = None if timeout is None else positive_number("timeout", timeout)
        if isinstance(retries, bool) or not isinstance(retries, int) or retries < 0:
            raise ValueError(
                f"retries must be an integer of at least 0, got {retries!r}"
            )
        _refuse_secrets(storage_options)
        self.store = Store(storage_options, self.timeout, retries)

    def check_names(self, names: Iterable[str]) -> None:
        """Checks before training that such addresses can be read at all.

        Args:
            names: Of files; those of this machine are passed over.

        Raises:
            ValueError: fsspec does not know the scheme, lacks a package for it, or the
                options do not fit; or a name holds a password.
        """
        checked = set()
        for name in names:
            if not is_remote(name):
                continue
            scheme, _, rest = name.partition("://")
            if "@" in rest.partition("/")[0] and ":" in rest.partition("@")[0]:
                raise ValueError(
                    f"{public_name(name)}: an address must not hold a password: it "
                    "would be logged; see FetchMedia for where credentials come from"
                )
            if scheme not in checked:
                checked.add(scheme)
                self._check_scheme(scheme)

    def transform(self, results: dict) -> dict:
        filename = require(results, "filename", self, "a video dataset")
        address = results.get("part", (filename,))[0]
        if not results.get("failure") and is_remote(address):
            span = results["part"][1:] if "part" in results else None
            name = public_name(filename)
            results["source"] = fetch(address, self.store, span, name)
        return results

    def _check_scheme(self, scheme: str) -> None:
        import fsspec

        try:
            fsspec.filesystem(scheme, **self.store.options)
        except ImportError as error:
            raise ValueError(
                f"FetchMedia cannot read {scheme}:// here: {error}; pip install "
                '"mmstconv[cloud]" brings s3:// and https://'
            ) from None
        except (TypeError, ValueError) as error:
            names = ", ".join(self.store.options) or "none"
            raise ValueError(
                f"FetchMedia cannot read {scheme}:// with these storage options "
                f"({names}): {error}"
            ) from None

    def __repr__(self) -> str:
        options = "".join(f", {name}=..." for name in self.store.options)
        return (
            f"{type(self).__name__}(timeout={self.timeout}, "
            f"retries={self.store.retries}{options})"
        )


def _refuse_secrets(options: dict, within: str = "") -> None:
    for name, value in options.items():
        secret = name in SECRET_NAMES or any(part in name.lower() for part in SECRET)
        if secret and value not in WORDS:
            raise ValueError(
                f"FetchMedia: {within}{name} is a credential, and a config is logged "
                "and saved with checkpoints: set the store's environment variables "
                "(AWS_ACCESS_KEY_ID ...) or fsspec's (FSSPEC_S3_KEY ...) instead"
            )
        if isinstance(value, dict):
            _refuse_secrets(value, f"{within}{name}.")
        elif isinstance(value, str) and public_name(value) != value:
            raise ValueError(
                f"FetchMedia: {within}{name} is an address with a user or a query, "
                f"which may be a credential: {public_name(value)}"
            )
