"""tasks_python.py asyncio|uvloop --list, or NAME [DIVISOR]: the benchmarks of tasks on Python.

Each does a tenth of what the others do: a cost is of one operation anyway.
"""
import asyncio
import os
import random
import sys
import threading
import time

BATCH = 10_000
HOUR = 3600


async def nothing():
    pass


async def spawn(count):
    for _ in range(count // BATCH):
        for task in [asyncio.create_task(nothing()) for _ in range(BATCH)]:
            await task


async def spawn_group(count):
    for _ in range(count // BATCH):
        async with asyncio.TaskGroup() as group:
            for _ in range(BATCH):
                group.create_task(nothing())


async def spawn_gather(count):
    for _ in range(count // BATCH):
        await asyncio.gather(*[nothing() for _ in range(BATCH)])


async def yield_one(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def yield_hundred(count):
    await asyncio.gather(*[yield_one(count // 100) for _ in range(100)])


async def chain_of(length):
    return 1 if length == 1 else await chain_of(length - 1) + 1


async def chain(count):
    for _ in range(count):
        await chain_of(10)


async def leaf(count):
    for _ in range(count):
        await nothing()


async def fib_of(n):
    return n if n < 2 else await fib_of(n - 1) + await fib_of(n - 2)


async def fib(_count):
    await fib_of(22)


async def put_all(queue, count):
    for number in range(count):
        await queue.put(number)


async def get_all(queue, count):
    for _ in range(count):
        await queue.get()


async def ping_pong(count):
    there, back = asyncio.Queue(1), asyncio.Queue(1)

    async def pong():
        for _ in range(count):
            await back.put(await there.get())

    async def ping():
        for number in range(count):
            await there.put(number)
            await back.get()

    await asyncio.gather(ping(), pong())


async def bounded(count):
    queue = asyncio.Queue(128)
    await asyncio.gather(put_all(queue, count), get_all(queue, count))


async def lock_contended(count):
    lock = asyncio.Lock()

    async def part():
        for _ in range(count // 100):
            async with lock:
                await asyncio.sleep(0)

    await asyncio.gather(*[part() for _ in range(100)])


async def lock_alone(count):
    lock = asyncio.Lock()
    for _ in range(count):
        async with lock:
            pass


async def sleep(count):
    tasks = [asyncio.create_task(asyncio.sleep(random.randrange(1000) / 1000)) for _ in range(count)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    await asyncio.wait(tasks)


def resident():
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


async def sleep_bytes(count):
    before = resident()
    tasks = [asyncio.create_task(asyncio.sleep(HOUR)) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    print((resident() - before) / len(tasks), flush=True)
    os._exit(0)  # to cancel them all takes longer


async def post(count):
    loop, done, left = asyncio.get_running_loop(), asyncio.Event(), count

    def one():
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    def post_all():
        for _ in range(count):
            loop.call_soon_threadsafe(one)

    poster = threading.Thread(target=post_all)
    poster.start()
    await done.wait()
    poster.join()


async def call_soon(count):
    loop = asyncio.get_running_loop()
    for _ in range(count // BATCH):
        for _ in range(BATCH):
            loop.call_soon(int)
        await asyncio.sleep(0)


async def call_later(count):
    loop, done, left = asyncio.get_running_loop(), asyncio.Event(), count

    def one():
        nonlocal left
        left -= 1
        if left == 0:
            done.set()

    for _ in range(count):
        loop.call_later(random.randrange(100) / 1000, one)
    await done.wait()


async def call_later_cancelled(count):
    loop = asyncio.get_running_loop()
    for _ in range(count // BATCH):
        for timer in [loop.call_later(1 + random.random(), int) for _ in range(BATCH)]:
            timer.cancel()
        await asyncio.sleep(0)


CALLS_OF_FIB = 57_313
BENCHMARKS = {  # name: what it does, how often
    "spawn": (spawn, 100_000),
    "spawn_group": (spawn_group, 100_000),
    "spawn_gather": (spawn_gather, 100_000),
    "yield": (yield_hundred, 1_000_000),
    "yield_one": (yield_one, 100_000),
    "chain": (chain, 100_000),
    "leaf": (leaf, 1_000_000),
    "fib": (fib, CALLS_OF_FIB),
    "ping_pong": (ping_pong, 100_000),
    "bounded": (bounded, 1_000_000),
    "lock_contended": (lock_contended, 100_000),
    "lock_alone": (lock_alone, 1_000_000),
    "sleep": (sleep, 100_000),
    "sleep_bytes": (sleep_bytes, 100_000),
    "post": (post, 100_000),
    "call_soon": (call_soon, 100_000),
    "call_later": (call_later, 100_000),
    "call_later_cancelled": (call_later_cancelled, 100_000),
}
IN_CPU_TIME = {"sleep", "call_later"}


def main():
    kind, name = sys.argv[1:3]
    if kind == "uvloop":
        import uvloop
        uvloop.install()
    if name == "--list":
        print(*(each for each in BENCHMARKS if hasattr(asyncio, "TaskGroup") or each != "spawn_group"))
        return
    coroutine, count = BENCHMARKS[name]
    if coroutine is not fib:
        count //= int(sys.argv[3]) if len(sys.argv) > 3 else 1
    clock = time.process_time if name in IN_CPU_TIME else time.perf_counter
    start = clock()
    asyncio.run(coroutine(count))
    print((clock() - start) / count * 1e9)


main()
