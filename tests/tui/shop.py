#!/usr/bin/env python3
"""A trace of a small server that never was: every number is stated here.

    shop.py FILE [--cut | --empty | --lost | --hostile | --calm | --nameless]

Two loops, two pool threads, 2.4 s. Stalls on main: an fsync of 142 ms in a file
callback, 88 ms of computation, 61 ms at a lock, 70 ms in which the machine did
not let it run, and a sleep of 260 ms in a timer that eight timers wait behind.
--cut leaves out the end, --lost loses some events, --empty has no loop,
--hostile names things so that a terminal would obey them, --calm is what the
server was before it got slow, --nameless is of a stripped one.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / 'support'))

import lt_encode as enc  # noqa: E402
from lt_decode import (ARM, AWAIT, CALL, CALL_BEGIN, DONE, LOOP_BEGIN,  # noqa: E402
                       LOOP_END, LOST, POLL_BEGIN, POLL_END, POOL_BEGIN,
                       POOL_END, RESUME, SPAWN, USAGE)

US, MS = 10**3, 10**6
END_NS = 2400 * MS
TIMER, READ, WORK, FS, LISTEN, CLOSE = 2, 11, 16, 17, 9, 21
NANOSLEEP, CALL_READ, FSYNC, MUTEX = 3, 6, 15, 34

# id, function, file, line
SITES = [
    (1, 'main', 'shop.c', 18), (2, 'on_connection', 'shop.c', 31),
    (3, 'on_request', 'shop.c', 44), (4, 'on_saved', 'orders.c', 88),
    (5, 'save_orders', 'orders.c', 91), (6, 'heartbeat', 'beat.c', 12),
    (7, 'parse_import', 'import.c', 30), (8, 'reload_prices', 'prices.c', 57),
    (9, 'tick', 'shop.c', 63), (10, 'on_batch', 'worker.c', 20),
    (11, 'compress', 'worker.c', 41), (12, None, None, 0),
]


class Thread:
    """Events of one thread; time only goes on."""

    def __init__(self, index):
        self.index, self.events = index, []
        self.now, self.cpu, self.delay, self.switches = 0, 0, 0, 0

    def put(self, kind, ref=0, x=0, a=0, b=0):
        self.events.append((self.now, kind, ref, x, a, b))

    def usage(self):
        self.put(USAGE, self.switches, 0, self.cpu, self.delay + 1)

    def run(self, ns):
        self.now += ns
        self.cpu += ns

    def wait(self, ns):
        self.now += ns
        self.switches += 1

    def starve(self, ns):
        self.now += ns
        self.delay += ns

    def call(self, callee, site, ns, ref=0):
        self.wait(ns)
        self.put(CALL, ref, callee, site, ns)

    def poll(self, until):
        self.usage()
        self.put(POLL_BEGIN, a=11)
        if until > self.now:
            self.wait(until - self.now)
        self.put(POLL_END, a=1)
        self.usage()

    def slice(self, task, kind, site, body, ends=False):
        self.put(RESUME, task, kind, site)
        body()
        self.put(DONE if ends else AWAIT, task)


def main_thread(calm=False):
    t = Thread(0)
    t.put(SPAWN, 1, LISTEN, 2, 1)
    for i in range(8):  # tick timers, every 40 ms
        t.put(SPAWN, 10 + i, TIMER, 9, 1)
    t.put(SPAWN, 20, TIMER, 6, 1)
    t.run(400 * US)
    t.put(LOOP_BEGIN, x=1)
    due = {10 + i: (5 + 5 * i) * MS for i in range(8)}
    for task in due:
        t.put(ARM, task, TIMER, 9, due[task] - t.now + 1)
    special = [(400, starved), (620, save), (980, parse), (1430, lock),
               (1700, sleep)]
    if calm:  # no pause in the timer, and a quick tick
        special = [(620, save), (1430, lock)]
    request = 100
    turn = 0
    while t.now < END_NS - 20 * MS:
        wake = min(due.values())
        if special and special[0][0] * MS <= wake:
            wake = special[0][0] * MS
        t.poll(wake)
        turn += 1
        t.run(30 * US)
        if special and t.now >= special[0][0] * MS:
            special.pop(0)[1](t, request + 1)  # and one more
            request += 10
        for task in sorted(due):
            if due[task] <= t.now:
                t.slice(task, TIMER, 9, lambda: t.run((180 + turn % 7 * 40) * US // (3 if calm else 1)))
                due[task] = t.now + 40 * MS
                t.put(ARM, task, TIMER, 9, 40 * MS + 1)
        if turn % 3 == 0:
            request += 1
            t.slice(1, LISTEN, 2, lambda: accept(t, request))
            t.run(10 * US)
            t.slice(request, READ, 3, lambda: serve(t, turn), ends=True)
        t.run(20 * US)
    t.poll(END_NS - 10 * MS)
    t.put(LOOP_END, x=1)
    t.usage()
    return t


def accept(t, request):
    t.run(60 * US)
    t.put(SPAWN, request, READ, 3, 2)


def serve(t, turn):
    t.run((300 + turn * 37 % 900) * US)
    if turn % 9 == 0:
        t.call(CALL_READ, 8, 1200 * US, ref=8)
    t.run(200 * US)


def request_of(t, request, body):
    """A connection, its request, and what that began."""
    t.slice(1, LISTEN, 2, lambda: accept(t, request))

    def then():
        t.run(200 * US)
        t.put(SPAWN, request + 1, FS, 4, 3)
    t.slice(request, READ, 3, then)
    t.usage()
    t.slice(request + 1, FS, 4, body, ends=True)
    t.usage()


def save(t, request):
    def body():
        t.run(6 * MS)
        t.call(FSYNC, 5, 142 * MS, ref=13)
        t.run(3 * MS)
    request_of(t, request, body)


def parse(t, request):
    def body():
        t.run(88 * MS)
    t.usage()
    t.put(SPAWN, request, READ, 7, 2)
    t.slice(request, READ, 7, body, ends=True)
    t.usage()


def lock(t, request):
    def body():
        t.run(1 * MS)
        t.call(MUTEX, 8, 61 * MS, ref=0x7F3A10)
        t.run(500 * US)
    t.usage()
    t.slice(20, TIMER, 8, body)
    t.usage()


def starved(t, request):
    def body():
        t.run(9 * MS)
        t.starve(70 * MS)
        t.run(2 * MS)
    t.usage()
    t.put(SPAWN, request, READ, 12, 2)
    t.slice(request, READ, 12, body, ends=True)
    t.usage()


def sleep(t, request):
    def body():
        t.run(2 * MS)
        t.call(NANOSLEEP, 6, 260 * MS)
        t.run(700 * US)
    t.usage()
    t.slice(20, TIMER, 6, body)
    t.usage()


def worker_thread():
    t = Thread(1)
    t.run(2 * MS)
    t.put(LOOP_BEGIN, x=2)
    task = 5000
    for i in range(46):
        t.poll((50 * i + 30) * MS)
        task += 1
        t.put(SPAWN, task, WORK, 10, 11)

        def body(i=i):
            t.run((2 + i % 5) * MS)
            if i % 10 == 4:
                t.call(CALL_READ, 11, 6 * MS, ref=22)
        t.slice(task, WORK, 10, body, ends=True)
    t.poll(END_NS - 5 * MS)
    t.put(LOOP_END, x=2)
    t.usage()
    return t


def pool_thread(index, first_ms, step_ms, length_ms, task):
    t = Thread(index)
    at = first_ms
    while at + length_ms < 2350:
        t.now = at * MS
        t.put(POOL_BEGIN, task, FS if index == 2 else WORK,
              4 if index == 2 else 11)
        t.now = (at + length_ms) * MS
        t.put(POOL_END, task)
        at += step_ms
        task += 1
    return t


def definitions(folder, hostile, nameless):
    names = {i: (function, file, line) for i, function, file, line in SITES}
    if nameless:
        names = {i: (None, None, 0) for i in names}
    if hostile:
        names[6] = ('\x1b[2J\x1b]0;owned\x07beat\u202etac', 'be\x07at.c', 12)
        names[9] = ('時計' * 30, '音.c', 63)
    defs, strings = [], {}

    def text(s):
        if s is None:
            return 0
        if s not in strings:
            strings[s] = len(strings) + 1
            defs.append(enc.string(strings[s], s))
        return strings[s]
    defs.append(enc.process(4711, 'shop\x1b[31m' if hostile else 'shop'))
    defs.append(enc.clock(1000, 1700000000 * 10**9))
    for index, tid, flags, name in ((0, 4711, 1, 'shop'), (1, 4712, 0, 'worker'),
                                    (2, 4713, 0, 'shop'), (3, 4714, 0, 'shop')):
        defs.append(enc.thread(index, tid, flags, name))
    defs.append(enc.module(1, 0x400000, 0x480000, '/opt/shop/bin/shop', b'\x12' * 20))
    for i, (function, file, line) in names.items():
        defs.append(enc.site(i, 0x401000 + i * 256, 1, 0x1000 + i * 256,
                             text(function), 0,
                             text(f'{folder}/{file}' if file else None), line))
    defs.append(enc.loop(1, 0, 0))
    defs.append(enc.loop(2, 1, text('worker')))
    return defs


def make(folder='/opt/shop/src', cut=False, empty=False, lost=False,
         hostile=False, calm=False, nameless=False):
    """The bytes of the trace.  folder: where the sources are said to be."""
    w = enc.Writer()
    w.generation(definitions(folder, hostile, nameless))
    if empty:
        w.end()
        return w.data()
    threads = [main_thread(calm), worker_thread(),
               pool_thread(2, 100, 180, 60, 9000),
               pool_thread(3, 640, 400, 220, 9500)]
    if lost:
        t = threads[0]
        at = next(i for i, e in enumerate(t.events) if e[0] > 1200 * MS)
        t.events.insert(at, (t.events[at][0], LOST, 0, 1, 1204, 5 * MS))
    for mark in range(200 * MS, END_NS + 1, 200 * MS):
        for t in threads:
            now = [e for e in t.events if mark - 200 * MS <= e[0] < mark]
            if now:
                w.events(t.index, now)
        w.epoch(mark)
        if cut and mark == 1800 * MS:
            w.parts[-1] = w.parts[-1][:40]
            return w.data()
    w.end()
    return w.data()


if __name__ == '__main__':
    options = {word[2:]: True for word in sys.argv[2:]}
    pathlib.Path(sys.argv[1]).write_bytes(make(**options))
