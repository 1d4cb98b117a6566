#!/usr/bin/env python3
"""delays, as in samples/delays.c, by those who wrote it first.

    looptrace record -o delays.lt -- python3 samples/python/delays.py --uvloop
    looptrace view delays.lt

Three coroutines sleep 3, 1 and 2 s and are gathered: they end 1, 2, 3, the results
come in the order of the calls, and all of it takes 3 s.
"""
import asyncio

from loops import run


async def delay(seconds, scale):
    await asyncio.sleep(seconds * scale)
    print(seconds, 'done')
    return seconds


async def main(scale):
    results = await asyncio.gather(*(delay(n, scale) for n in (3, 1, 2)))
    print('results', ', '.join(map(str, results)))


if __name__ == '__main__':
    run(main)
