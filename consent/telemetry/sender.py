"""Tells the service of requests from a thread of its own: bounded, in batches, tried again while there is room."""

import logging
import queue
import threading
import urllib.error
import urllib.request
from http.client import HTTPException

from msgspec import Raw

from consent.telemetry import told
from consent.telemetry.told import Told

MOST = 10_000
"""Requests that wait at most: some 10 MB. What comes beyond them is dropped and counted."""

EVERY = 1.0
"""Seconds that a request waits for others to go with it."""

ROOM = told.MAX_BODY - 1_024
"""Bytes of one post's requests: some 60 of the usual ones."""

MANY = 50
"""Requests that wait for no others."""

TIMEOUT = 5.0
LAST = 2.0
"""Seconds for an answer; and for what waits when the site stops."""

LONGEST = 60.0
"""Seconds between two tries at most, while the service does not answer."""

_log = logging.getLogger(__name__)


class Sender:
    """Posts to one address with a site's token. Its thread begins with the first request, after a server has forked."""

    def __init__(self, url: str, token: str) -> None:
        if not url.startswith(("https://", "http://")):
            raise ValueError(f"{url!r} is not the address of a service")
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._waiting: queue.Queue[Told] = queue.Queue(MOST)
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._over: list[Raw] = []
        self._failed = False
        self.sent = 0
        """Requests that the service has taken in hand; it may keep fewer, or none."""
        self.dropped = 0
        """Requests that were told to nobody."""

    def put(self, request: Told) -> None:
        """Take one without waiting; drop it where too many wait."""
        if self._thread is None:
            self._begin()
        try:
            self._waiting.put_nowait(request)
        except queue.Full:
            self.dropped += 1

    def close(self) -> None:
        """Send what waits, for two seconds at most, and end the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(LAST)

    def _begin(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="consent log", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        wait = EVERY
        while batch := self._batch():
            while not self._post(batch):
                if self._stop.wait(wait):
                    self.dropped += len(batch)
                    break
                wait = min(2 * wait, LONGEST)
            else:
                wait = EVERY

    def _batch(self) -> list[Raw]:
        """What is to go next; empty when it is over."""
        while True:
            if self._waiting.qsize() < MANY:
                self._stop.wait(EVERY)
            batch = self._packed()
            if batch or (self._stop.is_set() and self._waiting.empty()):
                return batch

    def _packed(self) -> list[Raw]:
        batch, self._over = self._over, []
        size = sum(map(len, batch))
        while len(batch) < told.MAX_REQUESTS:
            try:
                made = told.encode(self._waiting.get_nowait())
            except queue.Empty:
                break
            if size + len(made) >= ROOM and batch:
                self._over = [made]
                break
            batch.append(made)
            size += len(made) + 1
        return batch

    def _post(self, batch: list[Raw]) -> bool:
        """Send a batch; False where it is to be tried again."""
        request = urllib.request.Request(self._url, told.write(batch), self._headers, method="POST")  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT):  # noqa: S310  # http(s) only: see __init__
                self.sent += len(batch)
        except urllib.error.HTTPError as error:
            with error:
                return self._refused(batch, error)
        except (OSError, HTTPException) as error:
            self._say("the consent service cannot be reached, and is tried again: %s", error)
            return False
        self._failed = False
        return True

    def _refused(self, batch: list[Raw], error: urllib.error.HTTPError) -> bool:
        self._say("the consent service does not take page requests: %s", error)
        if error.code == 429 or error.code >= 500:
            return False
        self.dropped += len(batch)
        return True

    def _say(self, text: str, error: Exception) -> None:
        """Once, until it worked again."""
        if not self._failed:
            _log.warning(text, error)
        self._failed = True
