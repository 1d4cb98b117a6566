#!/usr/bin/env python3
"""Write what the fuzzers begin with into a folder: small traces into reader/, what is
inside their blocks into chunk/, and base.lt for fuzz_index."""
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       'support'))
import lt_decode as d  # noqa: E402
import lt_encode as e  # noqa: E402


DEFINITIONS = [
    e.string(1, 'tick'), e.string(2, 'stall.c'), e.module(1, 0x1000, 0x9000, '/usr/bin/prog', b'\1\2\3'),
    e.site(1, 0x1234, 1, 0x234, 1, 4, 2, 48), e.thread(0, 4711, 1, 'main'), e.thread(1, 4712, 0, 'pool'),
    e.loop(1, 0, 1), e.process(4711, 'prog'), e.clock(0, 10**18), e.task(5, 0, 2, 1, 1, 0, 0), e.label(5, 1),
    e.callee(0x3000, 'query'), e.note('a note'), e.stack(1, 1, -1)]


def begin(deflate=True):
    w = e.Writer(deflate=deflate)
    w.generation(DEFINITIONS)
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


def slices(w):
    for at in range(0, 400, 10):
        w.events(at // 10 % 2, [(at, d.RESUME, at + 1, 2, 1, 0)])
        if at % 40 == 0:
            w.epoch(at + 5)
    return w.data()


def turns():
    """Two threads' loops, with turns of each length, in a few epochs."""
    w = begin(False)
    w.events(0, [(0, d.EARLY_TURN, 0, 1, 0, 0), (0, d.LOOP_BEGIN, 0, 1, 1, 0), (1, d.POLL_BEGIN, 0, 0, 5, 0)])
    for at in range(0, 10**9, 10**8):
        w.events(0, [(at + 10, d.POLL_END, 0, 1, 0, 0), (at + 20, d.RESUME, 5, 2, 1, 0),
                     (at + 30, d.AWAIT, 5, 0, 0, 0), (at + 10**8 - 20, d.POLL_BEGIN, 0, 0, 5, 0)])
        w.events(1, [(at + 4, d.POOL_BEGIN, 9, 16, 1, 0), (at + 9, d.POOL_END, 9, 0, 0, 0)])
        w.epoch(at + 10**8 - 10)
        if at == 5 * 10**8:
            w.generation(DEFINITIONS)
    return w.data()


def chunk(events):
    kinds = 0
    for event in events:
        kinds |= 1 << event[1]
    return struct.pack('<BHIQ', 0, len(events), events[-1][0] - events[0][0], kinds) + \
        e.events_payload(events, d.Brackets())


def chunks():
    """Each kind alone, all together, and definitions: inputs of fuzz_chunk.c."""
    def event(at, kind):
        codecs = e.CODECS[kind]
        return (at, kind, 5 if codecs[0] else 0, 3 if codecs[1] else 0, 1 if codecs[2] else 0, 7 if codecs[3] else 0)
    for kind in e.CODECS:
        yield chunk([event(at, kind) for at in (1, 2, 200)])
    yield chunk([event(at, kind) for at, kind in enumerate([*e.CODECS, *e.CODECS])])
    yield struct.pack('<BH', 1, len(DEFINITIONS)) + b''.join(DEFINITIONS)
    for definition in DEFINITIONS:
        yield struct.pack('<BH', 1, 1) + definition


def main():
    folder = pathlib.Path(sys.argv[1])
    for name in ('reader', 'chunk', 'index'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / 'reader' / 'deflated.lt').write_bytes(every_kind(True))
    (folder / 'reader' / 'stored.lt').write_bytes(every_kind(False))
    (folder / 'reader' / 'cut.lt').write_bytes(slices(begin()))
    (folder / 'base.lt').write_bytes(turns())
    for i, data in enumerate(chunks()):
        (folder / 'chunk' / f'{i}').write_bytes(data)


if __name__ == '__main__':
    main()
