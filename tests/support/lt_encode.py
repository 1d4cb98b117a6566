#!/usr/bin/env python3
"""A small writer of traces, from doc/format.md: for fixtures, good and bad.

    w = Writer()
    w.generation([string(1, "x"), thread(0, 4711, 1, "main")])
    w.events(0, [(time, RESUME, ref, x, a, b), ...])
    w.epoch(watermark)
    w.end()
    data = w.data()

What it writes can be spoiled on the way: most functions take `header`, a dict
of header fields to be replaced before the CRC is made, and blocks can be made
from any payload with block().
"""
import struct
import zlib

from lt_decode import (AWAIT, BLOCK_MAGIC, DEFS, DELTA, DONE, END, EPOCH, EVENTS, FILE_MAGIC, GENERATION, LOST, M64,
                       NONE, OPEN, SITE, TASK, TEXT, UINT, Brackets)

# ref, x, a, b as the table of kinds in doc/format.md says.
CODECS = {
    1: (TASK, UINT, SITE, SITE), 2: (TASK, UINT, SITE, UINT), 3: (TASK, UINT, TASK, NONE),
    4: (TASK, UINT, SITE, NONE), 5: (OPEN, UINT, TASK, NONE), 6: (OPEN, UINT, DELTA, NONE),
    7: (UINT, UINT, SITE, UINT), 8: (NONE, NONE, UINT, NONE), 9: (NONE, NONE, UINT, NONE),
    10: (NONE, UINT, UINT, NONE), 11: (NONE, UINT, UINT, NONE), 12: (TASK, UINT, SITE, NONE),
    13: (TASK, NONE, NONE, NONE), 14: (DELTA, DELTA, DELTA, DELTA), 15: (NONE, NONE, TEXT, UINT),
    16: (NONE, NONE, TEXT, DELTA), 17: (TASK, NONE, TEXT, NONE), 18: (NONE, UINT, UINT, UINT),
    19: (UINT, UINT, UINT, UINT), 20: (NONE, UINT, TEXT, NONE), 21: (UINT, UINT, SITE, UINT),
    22: (NONE, NONE, TEXT, NONE), 23: (NONE, NONE, NONE, NONE), 24: (UINT, NONE, TEXT, NONE),
    25: (UINT, NONE, TEXT, UINT), 26: (OPEN, NONE, SITE, NONE), 27: (NONE, UINT, UINT, UINT),
}


def varint(n):
    n &= M64
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def zigzag(n):
    return ((n << 1) ^ (n >> 63)) & M64


def wrap(n):
    """To a signed 64-bit number."""
    n &= M64
    return n - (1 << 64) if n >> 63 else n


def definition(type_, *fields):
    """Numbers become varints, bytes stay, texts get no size."""
    body = b"".join(varint(f) if isinstance(f, int) else f for f in fields)
    return varint(type_) + varint(len(body)) + body


def sized(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return varint(len(raw)) + raw


def string(id_, text):
    return definition(1, id_, text.encode() if isinstance(text, str) else text)


def module(id_, start, end, path, build_id=b""):
    return definition(2, id_, start, end, sized(path), sized(build_id))


def site(id_, address, module_=0, offset=0, function=0, function_offset=0, file=0, line=0):
    return definition(3, id_, address, module_, offset, function, function_offset, file, line)


def thread(index, tid, flags=0, name=""):
    return definition(4, index, tid, flags, name.encode())


def loop(id_, thread_, name=0):
    return definition(5, id_, thread_, name)


def process(pid, name, uv="1.44.2", recorder="looptrace 0.1.0", floor=50000):
    return definition(6, pid, sized(name), sized(uv), sized(recorder), floor)


def clock(ns, unix_ns):
    return definition(7, zigzag(ns), zigzag(unix_ns))


def task(id_, parent, kind, site_, spawn_site, spawn_ns, thread_):
    return definition(8, id_, parent, kind, site_, spawn_site, zigzag(spawn_ns), thread_)


def callee(id_, name):
    return definition(10, id_, name.encode())


def note(text):
    return definition(11, text.encode())


def stack(id_, *frames):
    """Frames: site ids, innermost first; negative where guessed."""
    words = [site_ * 2 if site_ >= 0 else -site_ * 2 + 1 for site_ in frames]
    return definition(13, id_, len(words), *words)


def label(task_, string_):
    return definition(12, task_, string_)


class ColumnOut:
    def __init__(self, codec):
        self.codec, self.prev, self.out = codec, 0, bytearray()

    def put(self, value, brackets):
        if self.codec == NONE:
            return
        if self.codec in (DELTA, TASK):
            self.out += varint(zigzag(wrap(value - self.prev)))
            self.prev = value
        elif self.codec == OPEN:
            if value == brackets.innermost():
                self.out += varint(0)
            else:
                # zigzag + 1 must fit: nothing that is recorded comes near.
                self.out += varint(zigzag(wrap(value - self.prev)) + 1)
                self.prev = value
        else:
            self.out += varint(value)


def opens_bytes(brackets, first):
    out = varint(len(brackets.stack))
    for kind, x, ref, a, begin in brackets.stack:
        out += varint(kind) + varint(x) + varint(ref) + varint(a) + varint(first - begin)
    return out


def events_payload(events, brackets, codecs=None):
    """The payload of an EVENTS block; brackets move on with the events."""
    codecs = codecs or CODECS
    first = events[0][0]
    head = opens_bytes(brackets, first)
    cols, times, counts = {}, {}, {}
    column = bytearray()
    before = first
    for time, kind, ref, x, a, b in events:
        if kind not in cols:
            cols[kind] = [ColumnOut(c) for c in codecs.get(kind, (UINT, UINT, UINT, UINT))]
            times[kind], counts[kind] = bytearray(), 0
        column.append(kind)
        counts[kind] += 1
        times[kind] += varint(time - before)
        before = time
        for col, value in zip(cols[kind], (ref, x, a & M64, b & M64)):
            col.put(value, brackets)
        brackets.act(kind, x, ref, a & M64, time)
    head += varint(len(cols))
    body = bytearray()
    for kind in sorted(cols):
        c = cols[kind]
        head += bytes([kind, c[0].codec | c[1].codec << 4, c[2].codec | c[3].codec << 4])
        head += varint(counts[kind]) + varint(len(times[kind]))
        body += times[kind]
        for col in c:
            if col.codec != NONE:
                head += varint(len(col.out))
                body += col.out
    return bytes(head + column + body)


def directory_payload(directory):
    """Section 1 of the index, from what lt_decode.read_directory() gives."""
    causes = [directory["lost"].get(i, 0) for i in range(max(directory["lost"], default=0) + 1)]
    numbers = [directory["sealed_end"], directory["short_calls"], directory["generations"], len(causes), *causes,
               len(directory["defs"])]
    numbers += [at - before for before, at in zip([0, *directory["defs"]], directory["defs"])]
    numbers.append(len(directory["threads"]))
    after = 0
    for index, t in sorted(directory["threads"].items()):
        numbers += [index - after, t["first_at"], t["last_at"] - t["first_at"], t["events"], t["lost"], t["kinds"],
                    zigzag(t["first"]), t["last"] - t["first"]]
        after = index + 1
    numbers.append(len(directory["entries"]))
    before = 0
    for e in directory["entries"]:
        numbers += [e["bytes"], e["epochs"], e["blocks"], e["chunks"], e["events"], e["lost"], e["kinds"],
                    zigzag(e["first"] - before), e["watermark"] - e["first"], e["generation"]]
        before = e["watermark"]
    return b"".join(varint(n) for n in numbers)


class Writer:
    def __init__(self, pid=4711, start_ns=1000, start_unix_ns=1700000000 * 10**9, deflate=True, header=None):
        fields = {"version": 1, "size": 64, "required": 0, "optional": 0}
        fields.update(header or {})
        head = FILE_MAGIC + struct.pack("<HHIIIqq16sI", fields["version"], fields["size"], fields["required"],
                                        fields["optional"], pid, start_ns, start_unix_ns, bytes(range(16)), 0)
        self.parts = [head + struct.pack("<I", zlib.crc32(head))]
        self.deflate = deflate
        self.number = self.generations = 0
        self.brackets = {}
        self.n_events = self.n_lost = 0
        self.epoch_events = self.epoch_blocks = 0
        self.epoch_first = None
        self.watermark = 0

    def block(self, type_, payload, header=None, **fields):
        """Any block; what header says goes over what is right."""
        raw = zlib.compress(payload, 6) if self.deflate and payload else payload
        f = {"flags": 1 if self.deflate and payload else 0, "header_size": 64, "stored": len(raw), "size": len(payload),
             "number": self.number, "thread": 0, "first": 0, "last": 0, "kinds": 0, "count": 0, "lost": 0,
             "crc": zlib.crc32(raw)}
        f.update(fields)
        f.update(header or {})
        head = BLOCK_MAGIC + struct.pack("<BBHIIIIqqQIII", type_, f["flags"], f["header_size"], f["stored"], f["size"],
                                         f["number"], f["thread"], f["first"], f["last"], f["kinds"], f["count"],
                                         f["lost"], f["crc"])
        self.number += 1
        self.parts.append(head + struct.pack("<I", zlib.crc32(head)) + raw)

    def generation(self, defs, header=None):
        self.block(GENERATION, b"".join(defs), header, thread=self.generations, count=len(defs),
                   first=self.watermark, last=self.watermark)
        self.generations += 1

    def defs(self, defs, header=None):
        self.block(DEFS, b"".join(defs), header, count=len(defs), first=self.watermark, last=self.watermark)

    def events(self, thread_, events, header=None, codecs=None, payload=None):
        """events: (time, kind, ref, x, a, b); in order."""
        brackets = self.brackets.setdefault(thread_, Brackets())
        made = events_payload(events, brackets, codecs)
        kinds = lost = 0
        for e in events:
            kinds |= 1 << e[1]
            lost += e[4] if e[1] == LOST else 0
        self.block(EVENTS, made if payload is None else payload, header, thread=thread_, first=events[0][0],
                   last=events[-1][0], kinds=kinds, count=len(events), lost=min(lost, (1 << 32) - 1))
        self.n_events += len(events)
        self.n_lost += lost
        self.epoch_events += len(events)
        self.epoch_blocks += 1
        if self.epoch_first is None or events[0][0] < self.epoch_first:
            self.epoch_first = events[0][0]

    def epoch(self, watermark, late=0, short=0, header=None):
        first = self.watermark if self.epoch_first is None else self.epoch_first
        self.block(EPOCH, varint(self.epoch_events) + varint(late) + varint(short), header, first=first,
                   last=watermark, count=self.epoch_blocks)
        self.watermark = watermark
        self.epoch_events = self.epoch_blocks = 0
        self.epoch_first = None

    def end(self, reason=1, status=0, untracked=0, header=None):
        payload = b"".join(varint(n) for n in (reason, status, self.n_events, self.n_lost, untracked))
        self.block(END, payload, header, first=self.watermark, last=self.watermark)

    def data(self):
        return b"".join(self.parts)
