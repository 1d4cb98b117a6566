#!/usr/bin/env python3
"""A second reader of traces, written from doc/format.md alone.

    lt_decode.py FILE           every event in merged order, one JSON line each
    lt_decode.py --defs FILE    definitions instead, one JSON line each
    lt_decode.py --blocks FILE  block headers instead, one JSON line each

It is strict and does not repair anything: at the first thing that is wrong it
says what and at which byte, and exits 1.  A file that is cut behind its first
64 bytes prints what is whole, says where it ends, and exits 2.

As a module: read(bytes) returns a Trace.
"""
import json
import sys
import zlib

FILE_MAGIC = bytes.fromhex("894C5452430D0A1A")
BLOCK_MAGIC = bytes.fromhex("4C546201")
GENERATION, DEFS, EVENTS, EPOCH, INDEX, END = 1, 2, 3, 4, 5, 6
NONE, UINT, DELTA, TASK, OPEN, SITE, TEXT = range(7)

LIMIT_PAYLOAD = 1 << 20
LIMIT_INDEX = 16 << 20
LIMIT_EVENTS = 65536
LIMIT_PER_BYTE = 32
LIMIT_EPOCH = 1048576
LIMIT_EPOCH_BLOCKS = 65536
LIMIT_OPEN = 64
LIMIT_TIME = 1 << 60
KNOWN_KINDS = range(1, 28)
M64 = (1 << 64) - 1

(SPAWN, ARM, READY, RESUME, AWAIT, DONE, CALL, POLL_BEGIN, POLL_END, LOOP_BEGIN, LOOP_END, POOL_BEGIN, POOL_END,
 USAGE, MARK, COUNTER, LABEL, LOST, SAMPLE, LOOP_NAME, CALL_BEGIN, ALLOW_BEGIN, ALLOW_END,
 FD_NAME, LOCK_HOLDER, AWAIT_SITE, EARLY_TURN) = KNOWN_KINDS
OPENERS = (RESUME, POLL_BEGIN, LOOP_BEGIN, POOL_BEGIN)


class Wrong(Exception):
    """Something in the file is not as the format says."""

    def __init__(self, at, text):
        super().__init__("byte %d: %s" % (at, text))
        self.at = at


class Cut(Wrong):
    """The file ends too early."""


def number(data, at, size):
    return int.from_bytes(data[at:at + size], "little")


def signed(data, at, size):
    return int.from_bytes(data[at:at + size], "little", signed=True)


def unzigzag(n):
    return (n >> 1) ^ -(n & 1)


class Cursor:
    """Varints in data[at:end]; base is only for messages."""

    def __init__(self, data, at, end, base):
        self.data, self.at, self.end, self.base = data, at, end, base

    def wrong(self, text):
        return Wrong(self.base, text)

    def varint(self):
        value = shift = 0
        while True:
            if self.at >= self.end:
                raise self.wrong("a number goes over the end")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
            if shift == 70:
                raise self.wrong("a number is longer than 10 bytes")
        if value > M64:
            raise self.wrong("a number has more than 64 bits")
        return value

    def bytes(self, n):
        if n > self.end - self.at:
            raise self.wrong("bytes go over the end")
        self.at += n
        return self.data[self.at - n:self.at]

    def u8(self):
        return self.bytes(1)[0]

    def rest(self):
        return self.bytes(self.end - self.at)


class Block:
    def __init__(self, data, at):
        head = data[at:at + 64]
        if len(head) < 64:
            raise Cut(at, "the file ends in a block header")
        if head[:4] != BLOCK_MAGIC:
            raise Wrong(at, "no block begins here")
        if zlib.crc32(head[:60]) != number(head, 60, 4):
            raise Wrong(at, "block header CRC is wrong")
        self.at = at
        self.type = head[4]
        self.flags = head[5]
        self.header_size = number(head, 6, 2)
        self.stored = number(head, 8, 4)
        self.size = number(head, 12, 4)
        self.number = number(head, 16, 4)
        self.thread = number(head, 20, 4)
        self.first = signed(head, 24, 8)
        self.last = signed(head, 32, 8)
        self.kinds = number(head, 40, 8)
        self.count = number(head, 48, 4)
        self.lost = number(head, 52, 4)
        self.crc = number(head, 56, 4)
        if self.header_size < 64:
            raise Wrong(at, "block header is too small")
        self.end = at + self.header_size + self.stored
        if self.end > len(data):
            raise Cut(at, "the file ends in a block")
        self.raw = data[at + self.header_size:self.end]

    def check(self):
        """Of every block, also of a type that nobody knows."""
        if zlib.crc32(self.raw) != self.crc:
            raise Wrong(self.at, "payload CRC is wrong")

    def payload(self):
        limit = LIMIT_INDEX if self.type == INDEX else LIMIT_PAYLOAD
        self.check()
        if self.size > limit:
            raise Wrong(self.at, "payload is too large")
        if self.flags & ~1:
            raise Wrong(self.at, "unknown flags")
        if not self.flags & 1:
            if self.stored != self.size:
                raise Wrong(self.at, "payload has two sizes")
            return self.raw
        z = zlib.decompressobj()
        try:
            out = z.decompress(self.raw, self.size + 1)
        except zlib.error as e:
            raise Wrong(self.at, "payload is no zlib stream: %s" % e)
        if len(out) != self.size or not z.eof or z.unused_data:
            raise Wrong(self.at, "inflated payload has another size")
        return out


class Brackets:
    """The stack of what is open on a thread."""

    def __init__(self):
        self.stack = []  # (kind, x, ref, a, begin)

    def push(self, kind, x, ref, a, begin):
        if len(self.stack) < LIMIT_OPEN:
            self.stack.append((kind, x, ref, a, begin))

    def pop(self, matches):
        for i in range(len(self.stack) - 1, -1, -1):
            if matches(self.stack[i]):
                del self.stack[i:]
                return

    def innermost(self):
        for kind, _, ref, _, _ in reversed(self.stack):
            if kind == RESUME:
                return ref
        return 0

    def act(self, kind, x, ref, a, time):
        if kind in OPENERS:
            self.push(kind, x, ref, a, time)
        elif kind in (AWAIT, DONE):
            self.pop(lambda o: o[0] == RESUME and o[2] == ref)
        elif kind == POLL_END:
            self.pop(lambda o: o[0] == POLL_BEGIN)
        elif kind == LOOP_END:
            self.pop(lambda o: o[0] == LOOP_BEGIN and o[1] == x)
        elif kind == POOL_END:
            self.pop(lambda o: o[0] == POOL_BEGIN and o[2] == ref)


class Column:
    def __init__(self, codec, cursor):
        self.codec, self.cursor, self.prev = codec, cursor, 0

    def next(self, brackets):
        if self.codec == NONE or self.codec > TEXT:
            return 0
        n = self.cursor.varint()
        if self.codec in (DELTA, TASK):
            self.prev = (self.prev + unzigzag(n)) & M64
            return self.prev
        if self.codec == OPEN:
            if n == 0:
                return brackets.innermost()
            self.prev = (self.prev + unzigzag(n - 1)) & M64
            return self.prev
        return n

    def finished(self):
        return self.codec == NONE or self.codec > TEXT or self.cursor.at == self.cursor.end


class Kind:
    pass


def read_opens(c, block):
    brackets = Brackets()
    n = c.varint()
    if n > LIMIT_OPEN:
        raise c.wrong("too many open brackets")
    for _ in range(n):
        kind, x, ref, a, ago = [c.varint() for _ in range(5)]
        if kind >= 64 or x >= 1 << 16 or ref >= 1 << 40 or ago > LIMIT_TIME:
            raise c.wrong("an open bracket is out of range")
        brackets.push(kind, x, ref, a, block.first - ago)
    return brackets


def read_kinds(c, block):
    """The plan of the columns, and where they are."""
    plan = {}
    order = []
    for _ in range(c.varint()):
        k = Kind()
        k.kind = c.u8()
        if k.kind >= 64 or (order and k.kind <= order[-1].kind):
            raise c.wrong("kinds are not in ascending order")
        low, high = c.u8(), c.u8()
        k.codecs = [low & 15, low >> 4, high & 15, high >> 4]
        k.count = c.varint()
        k.sizes = [c.varint()] + [c.varint() if codec != NONE else 0 for codec in k.codecs]
        plan[k.kind] = k
        order.append(k)
    if sum(k.count for k in order) != block.count:
        raise c.wrong("the events of the kinds do not add up")
    k_column = c.bytes(block.count)
    for k in order:
        cursors = []
        for size in k.sizes:
            start = c.at
            c.bytes(size)
            cursors.append(Cursor(c.data, start, c.at, c.base))
        k.times = cursors[0]
        k.columns = [Column(codec, cur) for codec, cur in zip(k.codecs, cursors[1:])]
        k.left = k.count
    if c.at != c.end:
        raise c.wrong("the columns do not add up to the payload")
    return plan, k_column


def read_events(block):
    """The events of a block: (time, thread, kind, ref, x, a, b, lost)."""
    if not 1 <= block.count <= LIMIT_EVENTS:
        raise Wrong(block.at, "number of events is out of range")
    if block.count > LIMIT_PER_BYTE * (64 + block.stored):
        raise Wrong(block.at, "more events than so few bytes may hold")
    if not -LIMIT_TIME <= block.first <= block.last <= LIMIT_TIME:
        raise Wrong(block.at, "times are out of range")
    data = block.payload()
    c = Cursor(data, 0, len(data), block.at)
    brackets = read_opens(c, block)
    opens = list(brackets.stack)
    plan, kinds = read_kinds(c, block)
    time = block.first
    events = []
    mask = lost = 0
    for kind in kinds:
        k = plan.get(kind)
        if k is None or k.left == 0:
            raise c.wrong("an event is of a kind that is not in the table")
        k.left -= 1
        time += k.times.varint()
        ref, x, a, b = [column.next(brackets) for column in k.columns]
        if ref >= 1 << 40 or x >= 1 << 16:
            raise c.wrong("a value is out of range")
        if time > block.last:
            raise c.wrong("an event is later than its block")
        mask |= 1 << kind
        if kind == LOST:
            lost = min(lost + a, (1 << 32) - 1)
        brackets.act(kind, x, ref, a, time)
        if kind in KNOWN_KINDS:
            events.append((time, block.thread, kind, ref, x, a, b))
    for k in plan.values():
        if k.left or k.times.at != k.times.end or not all(col.finished() for col in k.columns):
            raise c.wrong("a column has more values than events")
    if mask != block.kinds:
        raise c.wrong("kinds in the header are not those in the block")
    if lost != block.lost:
        raise c.wrong("lost events in the header are not those in the block")
    return events, opens


def read_def(type_, c):
    """One definition as a dict, or None when its type is not known."""
    v = c.varint

    def text(raw):
        return raw.decode("utf-8", "surrogateescape")

    def sized():
        return text(c.bytes(v()))
    if type_ == 1:
        return {"def": "string", "id": v(), "text": text(c.rest())}
    if type_ == 2:
        return {"def": "module", "id": v(), "start": v(), "end": v(), "path": sized(), "build_id": c.bytes(v()).hex()}
    if type_ == 3:
        return {"def": "site", "id": v(), "address": v(), "module": v(), "offset": v(), "function": v(),
                "function_offset": v(), "file": v(), "line": v()}
    if type_ == 4:
        return {"def": "thread", "index": v(), "tid": v(), "flags": v(), "name": text(c.rest())}
    if type_ == 5:
        return {"def": "loop", "id": v(), "thread": v(), "name": v()}
    if type_ == 6:
        return {"def": "process", "pid": v(), "name": sized(), "uv_version": sized(), "recorder": sized(),
                "min_block_ns": v()}
    if type_ == 7:
        return {"def": "clock", "ns": unzigzag(v()), "unix_ns": unzigzag(v())}
    if type_ == 8:
        return {"def": "task", "id": v(), "parent": v(), "kind": v(), "site": v(), "spawn_site": v(),
                "spawn_ns": unzigzag(v()), "thread": v()}
    if type_ == 9:
        return {"def": "task_kind", "id": v(), "name": text(c.rest())}
    if type_ == 10:
        return {"def": "callee", "id": v(), "name": text(c.rest())}
    if type_ == 11:
        return {"def": "note", "text": text(c.rest())}
    if type_ == 12:
        return {"def": "label", "task": v(), "string": v()}
    if type_ == 13:
        return {"def": "stack", "id": v(), "frames": [v() for _ in range(v())]}
    return None


def read_defs(block):
    data = block.payload()
    c = Cursor(data, 0, len(data), block.at)
    defs = []
    n = 0
    while c.at < c.end:
        type_ = c.varint()
        size = c.varint()
        start = c.at
        c.bytes(size)
        one = read_def(type_, Cursor(data, start, c.at, block.at))
        if one is not None:
            defs.append(one)
        n += 1
    if n != block.count:
        raise Wrong(block.at, "number of definitions is wrong")
    return defs


def read_directory(block):
    """Section 1 of the index."""
    data = block.payload()
    c = Cursor(data, 0, len(data), block.at)
    v = c.varint
    out = {"sealed_end": v(), "short_calls": v(), "generations": v(), "lost": {i: n for i, n in enumerate([v() for _ in range(v())]) if n},
           "defs": [], "threads": {}, "entries": []}
    at = 0
    for _ in range(v()):
        at += v()
        out["defs"].append(at)
    index = 0
    for _ in range(v()):
        index += v()
        first_at = v()
        thread = {"first_at": first_at, "last_at": first_at + v(), "events": v(), "lost": v(), "kinds": v()}
        thread["first"] = unzigzag(v())
        thread["last"] = thread["first"] + v()
        out["threads"][index] = thread
        index += 1
    watermark = 0
    for _ in range(v()):
        entry = dict(zip(("bytes", "epochs", "blocks", "chunks", "events", "lost", "kinds"), [v() for _ in range(7)]))
        entry["first"] = watermark + unzigzag(v())
        entry["watermark"] = watermark = entry["first"] + v()
        entry["generation"] = v()
        out["entries"].append(entry)
    if c.at != c.end:
        raise c.wrong("something follows the directory")
    return out


def read_chunks(block, at):
    """Section 2 of the index; at: where the first block is."""
    data = block.payload()
    c = Cursor(data, 0, len(data), block.at)
    v = c.varint
    out = []
    first = 0
    for _ in range(v()):
        at += v()
        chunk = dict(zip(("bytes", "thread", "events", "lost", "kinds"), [v() for _ in range(5)]), at=at)
        at += chunk["bytes"]
        chunk["first"] = first = first + unzigzag(v())
        chunk["last"] = first + v()
        out.append(chunk)
    if c.at != c.end:
        raise c.wrong("something follows the chunks")
    return out


def read_summary(block):
    """Section 3 of the index: lanes by (is_pool, loop, thread)."""
    data = block.payload()
    c = Cursor(data, 0, len(data), block.at)
    v = c.varint
    out = {"shift": v(), "bins": v(), "least": v(), "left_out": v(), "lanes": {}}
    for _ in range(v()):
        key = (v(), v(), v())
        lane = {"busy": v(), "longest": v(), "count": v(), "bins": {}, "stalls": []}
        at = 0
        for _ in range(v()):
            at += v()
            lane["bins"][at] = (v(), v(), v())
            at += 1
        if at > out["bins"]:
            raise c.wrong("a bin is beyond the last")
        lane["stalls_all"] = v()
        for _ in range(v()):
            begin = unzigzag(v())
            lane["stalls"].append((begin,) + tuple(v() for _ in range(6)))
        if out["lanes"] and key <= max(out["lanes"]):
            raise c.wrong("lanes are not in order")
        out["lanes"][key] = lane
    if c.at != c.end:
        raise c.wrong("something follows the summary")
    return out


class Trace:
    def __init__(self):
        self.header = {}
        self.blocks = []
        self.defs = []
        self.epochs = []  # lists of events in merged order
        self.opens = []   # for each epoch: {thread: opens at its first block}
        self.late = self.short_calls = 0
        self.sections = {}  # of the index
        self.end = None
        self.problem = None

    def events(self):
        for epoch in self.epochs:
            yield from epoch


def read_header(data):
    if len(data) < 64 or data[:8] != FILE_MAGIC:
        raise Wrong(0, "not a trace")
    if zlib.crc32(data[:60]) != number(data, 60, 4):
        raise Wrong(0, "file header CRC is wrong")
    if number(data, 8, 2) != 1 or number(data, 12, 4) != 0:
        raise Wrong(8, "version or required features are not known")
    header = {"version": 1, "size": number(data, 10, 2), "pid": number(data, 20, 4), "start_ns": signed(data, 24, 8),
              "start_unix_ns": signed(data, 32, 8), "file_id": data[40:56].hex()}
    if header["size"] < 64:
        raise Wrong(10, "file header is too small")
    return header


class Epoch:
    """The EVENTS blocks since the last EPOCH block."""

    def __init__(self, watermark):
        self.watermark = watermark
        self.threads = {}
        self.last = {}
        self.opens = {}
        self.n_blocks = self.n_events = 0

    def add(self, block):
        events, opens = read_events(block)
        self.n_blocks += 1
        self.n_events += block.count
        if self.n_events > LIMIT_EPOCH or self.n_blocks > LIMIT_EPOCH_BLOCKS:
            raise Wrong(block.at, "too much in one epoch")
        if block.first < self.watermark:
            raise Wrong(block.at, "events are older than the last watermark")
        if block.first < self.last.get(block.thread, block.first):
            raise Wrong(block.at, "events of a thread are not in order")
        self.last[block.thread] = block.last
        self.opens.setdefault(block.thread, opens)
        self.threads.setdefault(block.thread, []).extend(events)

    def seal(self, block, trace):
        c = Cursor(block.payload(), 0, block.size, block.at)
        n, late, short = c.varint(), c.varint(), c.varint()
        if n != self.n_events or block.count != self.n_blocks:
            raise Wrong(block.at, "the epoch's blocks do not add up")
        if block.last < max([self.watermark] + list(self.last.values())) or block.last > LIMIT_TIME:
            raise Wrong(block.at, "the watermark is older than an event")
        trace.late += late
        trace.short_calls += short
        # Threads are in order already; the sort is stable and so keeps that.
        merged = [e for t in sorted(self.threads) for e in self.threads[t]]
        merged.sort(key=lambda e: e[0])
        trace.epochs.append(merged)
        trace.opens.append(self.opens)
        return Epoch(block.last)


def read_block(trace, block, epoch):
    """Take one block in; return the epoch that goes on."""
    if block.number != len(trace.blocks):
        raise Wrong(block.at, "block is number %d, not %d" % (block.number, len(trace.blocks)))
    if block.number == 0 and (block.type != GENERATION or block.thread != 0):
        raise Wrong(block.at, "the first block is not generation 0")
    previous = trace.blocks[-1] if trace.blocks else None
    block.check()
    trace.blocks.append(block)
    if previous is not None and previous.type == GENERATION and block.type == END:
        raise Wrong(block.at, "an empty generation before the end")
    if block.type in (GENERATION, DEFS):
        trace.defs.extend(read_defs(block))
    elif block.type == EVENTS:
        epoch.add(block)
    elif block.type == INDEX:
        if block.thread in trace.sections:
            raise Wrong(block.at, "a section of the index a second time")
        trace.sections[block.thread] = block
    elif block.type == EPOCH:
        trace.sections.clear()
        return epoch.seal(block, trace)
    elif block.type == END:
        if epoch.n_blocks:
            raise Wrong(block.at, "events that no epoch seals before the end")
        c = Cursor(block.payload(), 0, block.size, block.at)
        names = ("reason", "status", "events", "lost", "untracked", "index")
        trace.end = {name: c.varint() if c.at < c.end or name != "index" else 0 for name in names}
        trace.end["last"] = block.last
        first = min((b.at for b in trace.sections.values()), default=0)
        if trace.end["index"] not in (0, first):
            raise Wrong(block.at, "the index is not where the end mark says")
    return epoch


def read(data):
    """Read a trace; what is wrong stands in its problem (a Wrong or a Cut)."""
    trace = Trace()
    trace.header = read_header(data)
    at = trace.header["size"]
    epoch = Epoch(-LIMIT_TIME)
    try:
        while trace.end is None:
            if at >= len(data):
                raise Cut(len(data), "the file ends before its end mark")
            block = Block(data, at)
            epoch = read_block(trace, block, epoch)
            at = block.end
        if at != len(data):
            raise Wrong(at, "something follows the end mark")
    except Wrong as problem:
        trace.problem = problem
    return trace


def event_line(event):
    return json.dumps(dict(zip(("time", "thread", "kind", "ref", "x", "a", "b"), event)))


def main(args):
    what = "events"
    for name in ("--defs", "--blocks"):
        if name in args:
            args.remove(name)
            what = name[2:]
    if len(args) != 1:
        print(__doc__, file=sys.stderr)
        return 64
    with open(args[0], "rb") as f:
        data = f.read()
    try:
        trace = read(data)
    except Wrong as problem:
        print("error: %s" % problem, file=sys.stderr)
        return 1
    out = sys.stdout
    if what == "defs":
        for one in trace.defs:
            print(json.dumps(one), file=out)
    elif what == "blocks":
        for b in trace.blocks:
            print(json.dumps({k: v for k, v in vars(b).items() if k != "raw"}), file=out)
    else:
        for event in trace.events():
            print(event_line(event), file=out)
    if trace.problem is None:
        return 0
    cut = isinstance(trace.problem, Cut)
    print("%s: %s" % ("cut" if cut else "error", trace.problem), file=sys.stderr)
    return 2 if cut else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
