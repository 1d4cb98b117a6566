"""The directory and the chunks of a trace, made from its blocks as doc/format.md says."""
import lt_decode as d

ENTRIES_MAX = 8192


def chunk_of(block):
    return {"at": block.at, "bytes": block.end - block.at, "thread": block.thread, "events": block.count,
            "lost": block.lost, "kinds": block.kinds, "first": block.first, "last": block.last}


def chunks(trace):
    return [chunk_of(b) for b in trace.blocks if b.type == d.EVENTS]


def add_thread(threads, block):
    t = threads.setdefault(block.thread, {"first_at": block.at, "events": 0, "lost": 0, "kinds": 0,
                                          "first": block.first})
    t["last_at"], t["last"] = block.at, block.last
    t["events"] += block.count
    t["lost"] += block.lost
    t["kinds"] |= block.kinds


def joined(entries):
    out = {key: sum(e[key] for e in entries)
           for key in ("bytes", "epochs", "blocks", "chunks", "events", "lost")}
    out["kinds"] = 0
    out["generation"] = 0
    before = 0
    for e in entries:
        out["kinds"] |= e["kinds"]
        if e["generation"]:
            out["generation"] = before + e["generation"]
        before += e["bytes"]
    out["first"], out["watermark"] = entries[0]["first"], entries[-1]["watermark"]
    return out


def epochs_of(trace):
    """One entry an epoch."""
    entries, blocks, begin, generation = [], [], trace.header["size"], 0
    for b in trace.blocks:
        if b.type in (d.INDEX, d.END):
            continue
        blocks.append(b)
        if b.type == d.GENERATION:
            generation = b.at - begin + 1
        if b.type != d.EPOCH:
            continue
        events = [e for e in blocks if e.type == d.EVENTS]
        entry = {"bytes": b.end - begin, "epochs": 1, "blocks": len(blocks), "chunks": len(events),
                 "events": sum(e.count for e in events), "lost": sum(e.lost for e in events), "kinds": 0,
                 "first": min([e.first for e in events], default=b.last), "watermark": b.last,
                 "generation": generation}
        for e in events:
            entry["kinds"] |= e.kinds
        entries.append(entry)
        blocks, begin, generation = [], b.end, 0
    return entries


def directory(trace):
    threads, defs, generations = {}, [], 0
    for b in trace.blocks:
        if b.type == d.EVENTS:
            add_thread(threads, b)
        elif b.type == d.GENERATION:
            defs, generations = [b.at], generations + 1
        elif b.type == d.DEFS:
            defs.append(b.at)
    lost = {}
    for event in trace.events():
        if event[2] == d.LOST:
            lost[event[4]] = lost.get(event[4], 0) + event[5]
    entries = epochs_of(trace)
    stride = 1
    while -(-len(entries) // stride) > ENTRIES_MAX:
        stride *= 2
    entries = [joined(entries[i:i + stride]) for i in range(0, len(entries), stride)]
    return {"sealed_end": trace.header["size"] + sum(e["bytes"] for e in entries),
            "short_calls": trace.short_calls, "generations": generations, "lost": lost, "defs": defs,
            "threads": threads, "entries": entries}
