"""An event loop in a thread of its own, so that a run works inside a notebook, which has a running loop already."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from typing import Any, TypeVar

Item, Result, Value = TypeVar("Item"), TypeVar("Result"), TypeVar("Value")


class LoopThread:
    """Runs coroutines for code that is not asynchronous."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="kinprint-api", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Value]) -> Value:
        """Run a coroutine to its end and return its value; what interrupts the wait cancels it."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def as_completed(
        self, work: Callable[[Item], Awaitable[Result]], items: Sequence[Item], concurrency: int
    ) -> Iterator[Result]:
        """Yield the results of `work` on every item as they come, at most `concurrency` at a time, begun in order.

        The first exception ends it, as does leaving the iteration: what is under way is cancelled then.
        """
        results: queue.SimpleQueue[Result | BaseException | None] = queue.SimpleQueue()
        waiting = iter(items)

        async def worker() -> None:
            for item in waiting:
                results.put(await work(item))

        async def everything() -> None:
            tasks = [asyncio.create_task(worker()) for _ in range(min(concurrency, len(items)))]
            try:
                await asyncio.gather(*tasks)
            except Exception as error:  # noqa: BLE001  # carried over to the thread that asked, and raised there
                results.put(error)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                results.put(None)

        future = asyncio.run_coroutine_threadsafe(everything(), self._loop)
        try:
            while (result := results.get()) is not None:
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            future.cancel()

    def close(self) -> None:
        """Stop the loop and its thread."""
        for_all = asyncio.run_coroutine_threadsafe(_cancel_all(), self._loop)
        for_all.result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


async def _cancel_all() -> None:
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
