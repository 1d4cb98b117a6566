#!/usr/bin/env python3
"""blocking, as in samples/blocking.c: what must not be done in a coroutine.

    looptrace record -o blocking.lt -- python3 samples/python/blocking.py --uvloop
    looptrace check blocking.lt

A call that waits and a computation both keep the thread, and the heartbeat is
their victim.  `await asyncio.to_thread(...)` would keep it beating.
"""
import asyncio
import time

from loops import run


def slow_query(scale):
    time.sleep(0.4 * scale)


def count_primes(scale):
    until = time.thread_time() + 0.4 * scale
    n = found = 0
    while time.thread_time() < until:
        n += 1
        found += all(n % d for d in range(2, int(n ** 0.5) + 1))
    return found


async def heartbeat(scale):
    worst, last = 0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(0.02 * scale)
            now = time.monotonic()
            worst, last = max(worst, now - last), now
    finally:
        more = 'more' if worst > 0.2 * scale else 'less'
        print(f'longest gap of the heartbeat: {more} than 200 ms')


async def main(scale):
    heart = asyncio.create_task(heartbeat(scale))
    await asyncio.sleep(0.1 * scale)
    slow_query(scale)
    await asyncio.sleep(0.1 * scale)
    count_primes(scale)
    await asyncio.sleep(0.1 * scale)
    heart.cancel()


if __name__ == '__main__':
    run(main)
