#!/usr/bin/env python3
"""Tasks beside asyncio, uvloop and Boost.Context, in one run.

    bench/task.py            prints a table; needs bench/task_bench in BUILDDIR
                             (make bench-programs); peers that are not installed
                             are left out

All figures are the best of their rounds, peers and ours by turns, so that a busy
machine hurts all alike.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BUILDDIR = pathlib.Path(os.environ.get('BUILDDIR', 'build'))
TURNS = 3
SYSTEM_PYTHON = '/usr/bin/python3'  # Debian's uvloop is for this one
PYTHON = SYSTEM_PYTHON if os.path.exists(SYSTEM_PYTHON) else sys.executable

ASYNC = r'''
import asyncio, json, sys, time
if sys.argv[1] == 'uvloop':
    import uvloop
    uvloop.install()
async def nothing():
    return 0
async def spawn(n):
    best = 1e9
    for _ in range(3):
        began = time.perf_counter()
        for _ in range(n):
            await asyncio.create_task(nothing())
        best = min(best, (time.perf_counter() - began) / n)
    return best * 1e9
async def sleeper():
    await asyncio.sleep(0.001)
async def gather(n):
    best = 1e9
    for _ in range(3):
        began = time.perf_counter()
        await asyncio.gather(*[sleeper() for _ in range(n)])
        best = min(best, time.perf_counter() - began)
    return best * 1e3
print(json.dumps({'spawn': asyncio.run(spawn(20000)),
                  'gather': asyncio.run(gather(10000))}))
'''


def python_peer(which):
    result = subprocess.run([PYTHON, '-c', ASYNC, which],
                            capture_output=True, check=False)
    return json.loads(result.stdout) if result.returncode == 0 else {}


def ours(*arguments, **environment):
    program = BUILDDIR / 'bench' / 'task_bench'
    result = subprocess.run([program, *arguments], capture_output=True,
                            check=True, env=dict(os.environ, **environment))
    rows = (line.split() for line in result.stdout.decode().splitlines())
    return {row[0]: float(row[1]) for row in rows}


def echo(which):
    """TCP echo, 50 clients: CPU ns of the server's thread for a request (to be
    kept small) and requests per second (negated, so that best is least)."""
    program = BUILDDIR / 'bench' / 'task_echo'
    out = subprocess.run([program, which, '50', '1'], capture_output=True,
                         check=True).stdout
    rows = {row.split()[0]: float(row.split()[1])
            for row in out.decode().splitlines()}
    return {'echo-cpu': rows['echo-cpu'], 'echo': -rows['echo']}


def keep_best(best, name, figures):
    for what, value in figures.items():
        key = (name, what)
        best[key] = min(best.get(key, value), value)


def main():
    best = {}
    for turn in range(TURNS):
        keep_best(best, 'ours', ours('spawn'))
        keep_best(best, 'ours', ours('switch'))
        keep_best(best, 'ours', ours('gather'))
        with tempfile.TemporaryDirectory() as folder:
            keep_best(best, 'traced',
                      ours('spawn', '--traced', LOOPTRACE_OUT=f'{folder}/x.lt'))
        switch = BUILDDIR / 'bench' / 'task_switch'
        out = subprocess.run([switch], capture_output=True, check=True).stdout
        for line in out.decode().splitlines():
            who, value = line.split()
            keep_best(best, who, {'switch': float(value)})
        for which in ('tasks', 'callbacks'):
            keep_best(best, which, echo(which))
        for peer in ('asyncio', 'uvloop'):
            keep_best(best, peer, python_peer(peer))
    keep_best(best, 'ours', ours('live'))

    print(f'{"":28}{"ours":>10}{"traced":>10}{"asyncio":>10}{"uvloop":>10}'
          f'{"fcontext":>10}{"ucontext":>10}')
    for what, unit in (('switch', 'ns'), ('spawn', 'ns'), ('wait-wake', 'ns'),
                       ('gather', 'ms'), ('live-rss', 'bytes')):
        row = f'{what} ({unit})'.ljust(28)
        for who in ('ours', 'traced', 'asyncio', 'uvloop', 'fcontext',
                    'ucontext'):
            value = best.get((who, what))
            row += f'{value:10.1f}' if value is not None else ' ' * 10
        print(row)
    for peer in ('asyncio', 'uvloop'):
        for who in ('ours', 'traced'):
            if (peer, 'spawn') in best:
                ratio = best[peer, 'spawn'] / best[who, 'spawn']
                print(f'spawn, {who}: 1/{ratio:.0f} of {peer}')
        if (peer, 'gather') in best:
            ratio = best[peer, 'gather'] / best['ours', 'gather']
            print(f'gather of 10,000 sleepers: {ratio:.0f} x {peer}')
    print(f"TCP echo: {-best['tasks', 'echo']:.0f} requests/s, callbacks "
          f"{-best['callbacks', 'echo']:.0f}: "
          f"{best['tasks', 'echo'] / best['callbacks', 'echo']:.2f}; by the "
          f"server's CPU time {best['callbacks', 'echo-cpu'] / best['tasks', 'echo-cpu']:.2f}")


if __name__ == '__main__':
    main()
