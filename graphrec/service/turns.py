"""Connections of several workers: the parent process takes them, and its workers get them in turn.

Workers that share a listening socket do not share its connections: the one that wakes first takes all that wait, and of
32 that a proxy opens at once it has 32 as long as they stay open.
"""

import errno
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing.reduction import DupFd
from typing import Any, Self

#: Variable with the folder through which workers of one service share their counts; the parent process sets it.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
#: Seconds between looks at workers of which none is ready.
LOOK = 0.2
#: What keeps a process from taking a connection now, and not later.
_FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Door(socket.socket):
    """What a worker listens on: a socket whose connections come from the parent."""

    _is_over = False

    def listen(self, _backlog: int = 0, /) -> None:
        """Tell the parent that connections may come."""
        self.send(b"+")

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection and its address.

        Raises:
            BlockingIOError: there is none now; where the parent is gone, this process ends.
            ConnectionAbortedError: it ended meanwhile.
        """
        said, found, _, _ = socket.recv_fds(self, 1, 1)
        if not said:
            if not self._is_over:
                self._is_over = True
                signal.raise_signal(signal.SIGTERM)
            raise BlockingIOError
        if not found:
            raise ConnectionAbortedError(errno.ECONNABORTED, "no file was left for a connection")
        connection = socket.socket(fileno=found[0])
        try:
            return connection, connection.getpeername()
        except OSError:
            connection.close()
            raise ConnectionAbortedError(errno.ECONNABORTED, "a connection ended before it was taken") from None


def _opened(file: Any) -> Door:
    return Door(fileno=file.detach())


class Turns:
    """Takes the connections of a socket and gives them to workers in turn; a worker that is sent it gets a `Door`.

    Args:
        listening: is bound, and listens as soon as a worker is ready.
    """

    def __init__(self, listening: socket.socket) -> None:
        self.listening = listening
        self._starting: dict[socket.socket, Door] = {}
        """Our ends of the doors of workers that are not ready yet, and theirs."""
        self._ready: deque[socket.socket] = deque()
        self._change = threading.Event()
        """Set when there is another door."""
        self._is_over = False
        self._thread = threading.Thread(target=self._give_all, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._change.set()
        with suppress(OSError):  # it did not listen yet
            self.listening.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for one in (*self._starting.values(), *self._starting, *self._ready, self.listening):
            one.close()

    def __reduce__(self) -> tuple[Callable[[Any], Door], tuple[Any]]:
        return _opened, (DupFd(self.door().fileno()),)

    def door(self) -> Door:
        """Another worker's door, to be inherited by its process: the one before was inherited by then."""
        for before in list(self._starting.values()):
            before.close()
        ours, inherited = socket.socketpair()
        ours.setblocking(False)
        theirs = Door(fileno=inherited.detach())
        self._starting[ours] = theirs
        self._change.set()
        return theirs

    def _give_all(self) -> None:
        self._wait()
        with suppress(OSError):  # it ends
            self.listening.listen(socket.SOMAXCONN)
        while not self._is_over:
            try:
                connection, _ = self.listening.accept()
            except OSError as error:
                if error.errno in _FULL:
                    time.sleep(LOOK)
                continue
            with connection:
                while not self._is_over and not self._given(connection):
                    self._wait()

    def _given(self, connection: socket.socket) -> bool:
        """Whether one of the workers that are ready took a connection."""
        self._see()
        for _ in range(len(self._ready)):
            worker = self._ready[0]
            self._ready.rotate(-1)
            try:
                socket.send_fds(worker, [b"+"], [connection.fileno()])
            except BlockingIOError:  # it has not taken those that were given before
                continue
            except OSError:
                self._ready.remove(worker)
                worker.close()
                continue
            return True
        return False

    def _wait(self) -> None:
        """Wait until a worker is ready, or may be."""
        while not (self._see() or self._is_over):
            if starting := list(self._starting):
                _wait_for(starting, selectors.EVENT_READ)
            else:
                self._change.wait(LOOK)
                self._change.clear()
        if self._ready:
            _wait_for(self._ready, selectors.EVENT_WRITE)

    def _see(self) -> int:
        """How many workers are ready, those who have said so meanwhile among them."""
        for ours, theirs in list(self._starting.items()):
            try:
                said = ours.recv(1)
            except BlockingIOError:
                continue
            except OSError:
                said = b""
            del self._starting[ours]
            theirs.close()
            if said:
                self._ready.append(ours)
            else:
                ours.close()
        return len(self._ready)


def _wait_for(sockets: Iterable[socket.socket], event: int) -> None:
    """Wait until one of some sockets is ready, however high their numbers are, LOOK seconds at most."""
    with selectors.PollSelector() as waiting:
        for one in sockets:
            waiting.register(one, event)
        waiting.select(LOOK)
