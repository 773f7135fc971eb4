"""Chunks of work in actors of Ray: one that dies costs its chunk another try."""

from __future__ import annotations

import os
import pickle
import socket
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ..cores import loader_workers
from ..private_names import silence_ray

MISSING = "Ray is not installed: pip install 'mmstconv[ray]'"
# Of a machine that others use, too: Ray would kill actors for memory that is not
# theirs, let them wait behind everything else, and tell its makers of each run.
SETTINGS = {
    "RAY_memory_monitor_refresh_ms": "0",
    "RAY_worker_niceness": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
STORE = 80 << 20  # bytes of shared memory; a container may have few, and rows are small
PATIENCE = 20.0  # seconds in which a cluster must answer
TRIES = 3  # of a piece of work, while its actors die


class Lost(NamedTuple):
    """What there is of an item on which every actor has died.

    Args:
        reason: In words.
    """

    reason: str


class _Piece(NamedTuple):
    """Items of a chunk that an actor works on.

    Args:
        chunk: Its number.
        places: Of the items in it.
        tries: How many actors have died of it.
    """

    chunk: int
    places: Sequence[int]
    tries: int = 0


def run_chunks(
    chunks: Sequence[Sequence],
    start: Callable[[], Callable[[list], Sequence]],
    actors: int | None = None,
    *,
    gpus: bool = False,
) -> Iterator[tuple[int, list]]:
    """Works on chunks of items in actors of Ray, on this machine or on a cluster.

    An actor that dies is replaced and what it worked on is tried again, three times in
    all; then each item of the chunk goes to an actor by itself, so that one that ends
    every process costs no other. What the work raises ends the run. So does the end of
    this process, and Ray's processes end with it.

    Ray has retries of its own (``max_task_retries``). They are not used: they count
    against all calls at an actor that dies, not the one that it has died of.

    Args:
        chunks: Of items, whatever pickle takes; none is empty.
        start: Called once in each actor; gives what works on items and returns an
            answer for each, in their order.
        actors: How many, at most. None: one for each GPU that is used, or else for each
            core (on this machine 8 at most).
        gpus: Whether actors share the GPUs there are.

    Yields:
        The number of each chunk as it is over, and its answers; :class:`Lost` is that
        of an item on which all actors have died.

    Raises:
        ImportError: Ray is not installed; says what to install.
        RuntimeError: Actors die while they start.
        Others: As of :func:`connected`.
    """
    if not chunks:
        return
    ray = connected(actors)
    team = _Team(ray, start, *_shares(ray, actors, gpus))
    waiting = deque(_Piece(i, range(len(chunk))) for i, chunk in enumerate(chunks))
    answers = [[None] * len(chunk) for chunk in chunks]
    missing = [len(chunk) for chunk in chunks]
    left = len(chunks)
    try:
        team.grow(min(team.most, left))
        while left:
            team.hand_out(waiting, chunks)
            piece, found = team.next_answer()
            if piece is None:  # an actor has started
                continue
            if found is None:
                again, found = _after_death(piece)
                waiting.extend(again)
            for place, answer in zip(piece.places, found):
                answers[piece.chunk][place] = answer
            missing[piece.chunk] -= len(found)
            if not missing[piece.chunk]:
                left -= 1
                yield piece.chunk, answers[piece.chunk]
                answers[piece.chunk] = []
    finally:
        team.end()


def _after_death(piece: _Piece) -> tuple[list[_Piece], list[Lost]]:
    """What is tried again of a piece, and what is answered."""
    piece = piece._replace(tries=piece.tries + 1)
    if piece.tries < TRIES:
        return [piece], []
    if len(piece.places) > 1:
        return [_Piece(piece.chunk, [place]) for place in piece.places], []
    return [], [Lost(f"every process that worked on it has died ({TRIES} tries)")]


class _Team:
    """Actors, and the calls that are under way; one a time in each.

    Args:
        ray: The package, connected.
        start: As of :func:`run_chunks`.
        most: Actors.
        cpus: That each takes.
        gpus: The same.
    """

    def __init__(self, ray, start: Callable, most: int, cpus: int, gpus: float) -> None:
        self.ray = ray
        self.most = most
        self.kind = ray.remote(num_cpus=cpus, num_gpus=gpus)(_actor_class())
        self.start = ray.cloudpickle.dumps(start)
        self.idle: deque = deque()
        self.calls: dict = {}  # what was called, and for which piece; None: to start
        self.failed_starts = 0

    def grow(self, count: int) -> None:
        for _ in range(count):
            actor = self.kind.remote(self.start, os.getcwd())
            # No work until it runs: where cores are taken it may wait for long.
            self.calls[actor.begin.remote()] = actor, None

    def hand_out(self, waiting: deque[_Piece], chunks: Sequence[Sequence]) -> None:
        while waiting and self.idle:
            actor, piece = self.idle.popleft(), waiting.popleft()
            items = [chunks[piece.chunk][place] for place in piece.places]
            self.calls[actor.run.remote(items)] = actor, piece

    def next_answer(self) -> tuple[_Piece | None, Sequence | None]:
        """The piece of the next call that is over, and its answers.

        Without a piece it was the start of an actor; without answers the actor has died
        and another one starts.
        """
        errors = self.ray.exceptions
        (call,), _ = self.ray.wait(list(self.calls), num_returns=1)
        actor, piece = self.calls.pop(call)
        try:
            found = self.ray.get(call)
        except errors.RayTaskError as error:
            raise (error.cause or error) from error
        except (errors.RayActorError, errors.OutOfMemoryError) as error:
            self.ray.kill(actor)
            self.failed_starts += piece is None
            if self.failed_starts >= TRIES:
                raise RuntimeError(
                    f"processes of Ray die while they start, {TRIES} in a row: {error}"
                ) from error
            self.grow(1)
            return piece, None
        self.failed_starts = 0
        self.idle.append(actor)
        return piece, found

    def end(self) -> None:
        for actor in (*self.idle, *(actor for actor, _ in self.calls.values())):
            self.ray.kill(actor)


def _actor_class() -> type:
    """Made here, so that Ray sends what it says: its name would import the engine."""

    class Actor:
        """What runs in a process of its own.

        Args:
            start: Pickled.
            folder: That relative paths are meant from; left out where it is not.
        """

        def __init__(self, start: bytes, folder: str) -> None:
            self.start = start
            if os.path.isdir(folder):
                os.chdir(folder)

        def begin(self) -> None:
            from mmstconv.light_start import import_what_is_named

            import_what_is_named()  # before what is pickled imports it all
            self.work = pickle.loads(self.start)()

        def run(self, items: list) -> Sequence:
            return self.work(items)

    return Actor


def connected(actors: int | None = None):
    """The package Ray, at work: the cluster of ``RAY_ADDRESS``, or one of its own here.

    Args:
        actors: That must find room on this machine.

    Raises:
        ImportError: It is not installed; says what to install.
        ConnectionError: There is no cluster at that address.
        ValueError: It is no address.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise ImportError(MISSING) from error
    if ray.is_initialized():
        return ray
    silence_ray()
    quiet = dict(log_to_driver=False, logging_level="error")
    address = os.environ.get("RAY_ADDRESS") or "local"
    if address != "local":
        reach_cluster(address)
        ray.init(address, **quiet)
        return ray
    cores = max(loader_workers(), actors or 0)
    ray.init(
        "local",
        num_cpus=cores,
        include_dashboard=False,
        object_store_memory=STORE,
        **quiet,
    )
    return ray


def reach_cluster(address: str) -> None:
    """Asks whether somebody answers there; Ray waits for minutes, and then aborts.

    Raises:
        ConnectionError: Nobody does.
        ValueError: It is no address of a cluster.
    """
    if address == "auto":  # Ray knows whether there is one
        return
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()) or "/" in host:
        raise ValueError(
            f"RAY_ADDRESS is {address}, must be HOST:PORT of a cluster, 'auto', or "
            "'local' for a Ray of its own"
        )
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise ConnectionError(
            f"there is no Ray at RAY_ADDRESS {address}: {error}"
        ) from error


def _shares(ray, actors: int | None, gpus: bool) -> tuple[int, int, float]:
    """How many actors there are at most, and the cores and GPUs that each takes.

    No share is larger than what a single machine has.
    """
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = [int(one["CPU"]) for one in machines if one.get("CPU", 0) >= 1]
    cards = int(sum(one.get("GPU", 0) for one in machines)) if gpus else 0
    most = actors or cards or max(sum(cores), 1)
    cpus = max(min([sum(cores) // most, *cores]), 1)
    return most, cpus, cards and 1 / -(-most // cards)
