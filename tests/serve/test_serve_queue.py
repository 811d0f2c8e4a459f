"""The queue: batches of what waits, bounded room, turns for long answers, and nobody who fails for a neighbour."""

from __future__ import annotations

import asyncio
import threading

import pytest

from sounding.serve.queue import Queue, Work
from sounding.serve.refusals import Refusal


@pytest.fixture
def queue():
    made = Queue(room=40, seconds=5.0)
    yield made
    made.stop()


class Gate:
    """Work that notes its batches, and waits until it is opened."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.opened, self.begun = threading.Event(), threading.Event()

    def __call__(self, inputs):
        self.batches.append(list(inputs))
        self.begun.set()
        assert self.opened.wait(5)
        return [2 * value for value in inputs]


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.wait, 5)


def test_what_waits_is_computed_in_batches_of_its_kind(queue):
    gate, other = Gate(), Gate()
    other.opened.set()

    async def run():
        first = asyncio.create_task(queue.ask(Work("a", gate, 8), [0]))
        await begun(gate)
        rest = [asyncio.create_task(queue.ask(Work("a", gate, 8), [k])) for k in range(1, 11)]
        strange = asyncio.create_task(queue.ask(Work("b", other, 8), [100]))
        await asyncio.sleep(0.05)
        gate.opened.set()
        return await asyncio.gather(first, *rest, strange)

    found = asyncio.run(run())
    assert found == [[2 * k] for k in range(11)] + [[200]]
    assert [len(batch) for batch in gate.batches] == [1, 8, 2]
    assert other.batches == [[100]]


def test_without_room_a_request_is_told_to_come_again(queue):
    gate = Gate()

    async def run():
        first = asyncio.create_task(queue.ask(Work("a", gate, 1), [1]))
        await begun(gate)
        waiting = asyncio.create_task(queue.ask(Work("a", gate, 1), [2] * 40))
        await asyncio.sleep(0.05)
        with pytest.raises(Refusal) as refused:
            await queue.ask(Work("a", gate, 1), [3])
        gate.opened.set()
        await asyncio.gather(first, waiting)
        return refused.value

    refusal = asyncio.run(run())
    assert refusal.status == 503
    assert int(refusal.headers["Retry-After"]) >= 1


def test_an_answer_that_is_late_is_given_up_and_not_computed():
    queue, gate = Queue(room=8, seconds=0.3), Gate()

    async def run():
        first = asyncio.create_task(queue.ask(Work("a", gate, 1), [1]))
        await begun(gate)
        with pytest.raises(Refusal) as late:
            await queue.ask(Work("a", gate, 1), [2])
        gate.opened.set()
        with pytest.raises(Refusal):
            await first
        return late.value

    assert asyncio.run(run()).status == 504
    queue.stop()
    assert gate.batches == [[1]]


def test_one_bad_input_costs_no_other_answer(queue):
    def halves(inputs):
        return [1 / value for value in inputs]

    async def run():
        asked = [asyncio.create_task(queue.ask(Work("a", halves, 8), [k])) for k in (1, 0, 2)]
        return await asyncio.gather(*asked, return_exceptions=True)

    one, zero, two = asyncio.run(run())
    assert (one, two) == ([1.0], [0.5])
    assert isinstance(zero, ZeroDivisionError)


def test_streams_take_turns_and_end_when_nobody_listens(queue):
    told: list[str] = []

    def pieces(name):
        for k in range(100):
            told.append(f"{name}{k}")
            yield f"{name}{k}"

    async def listen(name, most):
        found = []
        stream = queue.stream(lambda: pieces(name))
        async for piece in stream:
            found.append(piece)
            if len(found) == most:
                break
        await stream.aclose()
        return found

    async def run():
        both = await asyncio.gather(listen("a", 10), listen("b", 10))
        await asyncio.sleep(0.1)
        answer = await queue.ask(Work("c", lambda values: values, 4), [7])
        return both, answer

    (a, b), answer = asyncio.run(run())
    assert (a, b) == ([f"a{k}" for k in range(10)], [f"b{k}" for k in range(10)])
    assert answer == [7]
    first, second = told.index("b0"), told.index("a2")
    assert first < second  # b did not wait for the end of a
    assert len(queue) == 0 or asyncio.run(queue.ask(Work("d", lambda values: values), [1])) == [1]


def test_an_error_in_a_stream_reaches_who_listens(queue):
    def broken():
        yield "a"
        raise ValueError("broken off")

    async def run():
        return [piece async for piece in queue.stream(broken)]

    with pytest.raises(ValueError, match="broken off"):
        asyncio.run(run())


def test_what_waits_when_the_service_stops_is_told_so():
    queue, gate = Queue(room=8, seconds=5), Gate()

    async def run():
        first = asyncio.create_task(queue.ask(Work("a", gate, 1), [1]))
        await begun(gate)
        waiting = asyncio.create_task(queue.ask(Work("a", gate, 1), [2]))
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(asyncio.to_thread(queue.stop))
        await asyncio.sleep(0.05)
        gate.opened.set()
        found = await asyncio.gather(first, waiting, stopping, return_exceptions=True)
        with pytest.raises(Refusal):
            await queue.ask(Work("a", gate, 1), [3])
        return found

    first, waiting, _ = asyncio.run(run())
    assert first == [2]
    assert (type(waiting), waiting.status) == (Refusal, 503)
