"""Jobs of a batch in this process, one at a time, or in several processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from abc import ABC, abstractmethod
from multiprocessing import connection, resource_tracker
from typing import TYPE_CHECKING, final

from napari_blindspot.batch.performing import Done, Failed, Halted, perform
from napari_blindspot.halting import Stop

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from multiprocessing.connection import Connection

    from napari_blindspot.batch.performing import Message
    from napari_blindspot.batch.planning import Task
    from napari_blindspot.halting import StopFlag

_POLL_S = 0.1
_GOODBYE_S = 5.0
_HINTS = {
    "SIGKILL": "; the system does so when memory runs out: use fewer --jobs",
    "SIGBUS": "; the system does so when a file is cut off, or its disk lost, while it is read",
}


class Workers(ABC):
    """Those who carry out the tasks. Use them in a `with` statement."""

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @property
    @abstractmethod
    def free(self) -> int:
        """Number of tasks that could be begun now."""

    @property
    @abstractmethod
    def busy(self) -> int:
        """Number of tasks that are begun and have not ended."""

    @abstractmethod
    def give(self, task: Task, *, resume: bool = False) -> None:
        """Begin a task, or go on with its training; there must be a free worker."""

    @abstractmethod
    def messages(self) -> Iterator[tuple[Task, Message]]:
        """What the tasks have to tell; waits for a moment if there is nothing."""

    @abstractmethod
    def close(self) -> None:
        """End everything at once."""


def workers(jobs: int, stop: StopFlag, at_work: int | None = None) -> Workers:
    """This process if one job at a time is wanted, else others, of which `at_work` have work."""
    return Alone(stop) if jobs == 1 else Processes(at_work or jobs, stop)


@final
class Alone(Workers):
    """Does one task at a time in this process.

    Parameters
    ----------
    stop : callable
        Stop flag.
    """

    def __init__(self, stop: StopFlag) -> None:
        self._stop = stop
        self._task: Task | None = None
        self._running: Generator[Message, None, None] | None = None

    @property
    def free(self) -> int:
        """One, unless a task is begun."""
        return 1 - self.busy

    @property
    def busy(self) -> int:
        """One, if a task is begun."""
        return int(self._task is not None)

    def give(self, task: Task, *, resume: bool = False) -> None:
        """Begin a task, or go on with its training."""
        self._task, self._running = task, perform(task.job, self._stop, resume=resume)

    def messages(self) -> Iterator[tuple[Task, Message]]:
        """All messages of the task."""
        if self._task is None or self._running is None:
            return
        task = self._task
        for message in self._running:
            if isinstance(message, Done | Failed | Halted):
                self._task = None
            yield task, message

    def close(self) -> None:
        """End the task where it is."""
        if self._running is not None:
            self._running.close()


@final
class Processes(Workers):
    """Does several tasks at a time, each in a process of its own.

    The processes are started when they are needed, do one task after another, share the cores,
    and end with this one even if it is killed. One that dies fails its task only.

    Parameters
    ----------
    jobs : int
        Number of processes.
    stop : callable
        Stop flag, asked about ten times a second.
    """

    def __init__(self, jobs: int, stop: StopFlag) -> None:
        self._stop = stop
        self._told = False
        self._threads = max(cores() // jobs, 1)
        self._jobs = jobs
        self._all: list[_Worker] = []

    @property
    def free(self) -> int:
        """Processes without a task, started or not."""
        return self._jobs - self.busy

    @property
    def busy(self) -> int:
        """Processes with a task."""
        return sum(worker.task is not None for worker in self._all)

    def give(self, task: Task, *, resume: bool = False) -> None:
        """Begin a task, or go on with it, in an idle process; a new one if there is none."""
        self._all = [worker for worker in self._all if worker.task or worker.lives()]
        idle = [worker for worker in self._all if worker.task is None]
        if not idle:
            idle = [_Worker(self._threads)]
            self._all += idle
        idle[0].give(task, resume)

    def messages(self) -> Iterator[tuple[Task, Message]]:
        """What came in since it was last asked."""
        self._pass_on_stop()
        busy = {worker.pipe: worker for worker in self._all if worker.task}
        for pipe in connection.wait(list(busy), _POLL_S):
            worker = busy[pipe]  # type: ignore[index]
            yield worker.receive()

    def close(self) -> None:
        """End the processes at once."""
        for worker in self._all:
            worker.dismiss()
        for worker in self._all:
            worker.end()
        self._all.clear()

    def _pass_on_stop(self) -> None:
        if not self._told and self._stop() is Stop.HALT:
            self._told = True
            for worker in self._all:
                worker.halt()


class _Worker:
    """The near end of a process.

    Each has a pipe of its own: a shared queue could be left locked by a process that is killed.
    """

    def __init__(self, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far = context.Pipe()
        self.task: Task | None = None
        self._process = context.Process(target=_serve, args=(far, threads), daemon=True)
        with _deaf_to_ctrl_c():
            self._process.start()
        far.close()

    def lives(self) -> bool:
        return self._process.is_alive()

    def give(self, task: Task, resume: bool) -> None:
        self.task = task
        # A process that has just died is noticed when it is listened to.
        with contextlib.suppress(OSError):
            self.pipe.send((task.job, resume))

    def receive(self) -> tuple[Task, Message]:
        if self.task is None:
            raise RuntimeError("the worker has no task")
        task = self.task
        try:
            message: Message = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(_GOODBYE_S)
            message = Failed(_cause_of_death(self._process.exitcode))
        if isinstance(message, Done | Failed | Halted):
            self.task = None
        return task, message

    def halt(self) -> None:
        if self.task is not None:
            with contextlib.suppress(OSError):
                self.pipe.send(Stop.HALT)

    def dismiss(self) -> None:
        # What an idle one has written is whole, and so is what a busy one has renamed.
        self._process.terminate()

    def end(self) -> None:
        self._process.join(_GOODBYE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.pipe.close()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _serve(pipe: Connection, threads: int) -> None:
    """The far end: do the jobs that come through the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(min(threads, torch.get_num_threads()))
    stop = _StopFromPipe(pipe)
    # Without the parent there is no one to tell, and _end_with_parent ends this process.
    with contextlib.suppress(EOFError, OSError):
        while True:
            task = pipe.recv()
            # A halt that came too late for the job before is no job.
            if task is not Stop.HALT:
                stop.answer = Stop.NO
                job, resume = task
                for message in perform(job, stop, resume=resume):
                    pipe.send(message)


class _StopFromPipe:
    """Stop flag that is set through the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.answer = Stop.NO

    def __call__(self) -> Stop:
        if self._pipe.poll():
            self.answer = self._pipe.recv()
        return self.answer


def _end_with_parent() -> None:
    """A worker must not write on while another batch resumes the work."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Ctrl-C goes to all processes of a terminal, and a new one cannot ignore it at once."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Started here, for its start would end the deafness.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _cause_of_death(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"Its process was killed by {name}{_HINTS.get(name, '')}."
    return f"Its process ended with code {code}."
