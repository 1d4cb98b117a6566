#!/usr/bin/env python3
"""Write a few small traces into a folder, for the fuzzer to begin with."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       'support'))
import lt_decode as d  # noqa: E402
import lt_encode as e  # noqa: E402


def begin(deflate=True):
    w = e.Writer(deflate=deflate)
    w.generation([e.string(1, 'tick'), e.string(2, 'stall.c'),
                  e.module(1, 0x1000, 0x9000, '/usr/bin/prog', b'\1\2\3'),
                  e.site(1, 0x1234, 1, 0x234, 1, 4, 2, 48),
                  e.thread(0, 4711, 1, 'main'), e.thread(1, 4712, 0, 'pool'),
                  e.loop(1, 0, 1), e.process(4711, 'prog'), e.clock(0, 10**18),
                  e.task(5, 0, 2, 1, 1, 0, 0), e.label(5, 1),
                  e.callee(0x3000, 'query'), e.note('a note')])
    return w


def every_kind(deflate):
    """One event of each kind, in two epochs."""
    w = begin(deflate)
    for at in (0, 1000):
        w.events(0, [(at + kind, kind, 5 if e.CODECS[kind][0] else 0,
                      3 if e.CODECS[kind][1] else 0, 1,
                      7 if e.CODECS[kind][3] else 0) for kind in e.CODECS])
        w.events(1, [(at + 4, d.POOL_BEGIN, 9, 16, 1, 0)])
        w.events(1, [(at + 9, d.POOL_END, 9, 0, 0, 0)])
        w.epoch(at + 100)
        w.generation([e.task(9, 5, 16, 1, 1, 10, 0)])
    w.events(0, [(2000, d.MARK, 0, 0, 1, 0)])
    w.epoch(2000)
    w.end()
    return w.data()


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / 'deflated.lt').write_bytes(every_kind(True))
    (folder / 'stored.lt').write_bytes(every_kind(False))
    w = begin()
    for at in range(0, 400, 10):
        w.events(at // 10 % 2, [(at, d.RESUME, at + 1, 2, 1, 0)])
        if at % 40 == 0:
            w.epoch(at + 5)
    (folder / 'cut.lt').write_bytes(w.data())


if __name__ == '__main__':
    main()
