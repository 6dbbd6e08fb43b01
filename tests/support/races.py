"""Two transactions against each other, the first held before each of its statements in turn."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, transaction

from gas.jobs.models import Job
from tests.support.waiting import wait_until

Work = Callable[[], Any]


class Held:
    """Work that is held before its statement number `point`, the commits of its transactions counted as well."""

    def __init__(self, work: Work, point: int) -> None:
        self._work, self._left = work, point
        self.reached, self.go = threading.Event(), threading.Event()

    def __call__(self) -> Any:
        commit = connection.commit

        def held_commit() -> None:
            self._step()
            commit()

        def statement(execute: Callable[..., Any], *args: Any) -> Any:
            self._step()
            return execute(*args)

        connection.commit = held_commit  # type: ignore[method-assign]
        try:
            with connection.execute_wrapper(statement):
                return self._work()
        finally:
            connection.close()

    def _step(self) -> None:
        if self._left == 0:
            self.reached.set()
            assert self.go.wait(60)
        self._left -= 1


def alongside(work: Work) -> Any:
    try:
        return work()
    finally:
        connection.close()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def every_interleaving(prepare: Callable[[], tuple[Work, Work]]) -> Iterator[tuple[Future[Any], Future[Any]]]:
    """For every point of the first work that `prepare` makes: what became of the first and of the second."""
    point = 0
    while True:
        first, second = prepare()
        held = Held(first, point)
        with ThreadPoolExecutor(2) as pool:  # new threads, and so new connections
            try:
                one = pool.submit(held)
                wait_until(lambda held=held, one=one: held.reached.is_set() or one.done())  # type: ignore[misc]
                if not held.reached.is_set():
                    assert point > 2, "the work has so few statements that nothing was tried"
                    return
                two = pool.submit(alongside, second)
                wait_until(lambda two=two: two.done() or waits_for_a_lock())  # type: ignore[misc]
            finally:
                held.go.set()
        yield one, two
        point += 1


def deleting(job: Job) -> Work:
    def delete() -> None:
        mine = Job.objects.get(pk=job.pk)
        with transaction.atomic():
            mine.delete()

    return delete


def other_way_round(prepare: Callable[[], tuple[Work, Work]]) -> Callable[[], tuple[Work, Work]]:
    def prepared() -> tuple[Work, Work]:
        first, second = prepare()
        return second, first

    return prepared
