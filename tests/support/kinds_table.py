"""The table of kinds in doc/format.md, made from event.h.

    kinds_table.py SRCDIR            print the table
    kinds_table.py SRCDIR --check    exit 1 when doc/format.md has another
    kinds_table.py SRCDIR --write    put it there
"""
import re
import sys

MARK = "<!-- kinds: made by tests/support/kinds_table.py from event.h -->\n"


def table(srcdir):
    text = open(srcdir + "/libtrace/include/looptrace/event.h").read()
    body = text[text.index("#define LT_EVENT_MAP(X)"):text.index("typedef enum lt_kind")]
    body = body.replace("\\\n", " ")
    rows = ["| id | kind | ref | x | a | b | meaning |", "|---|---|---|---|---|---|---|"]
    for m in re.finditer(r'X\((\d+), (\w+), "([\w-]+)", (\w+), (\w+), (\w+), (\w+),((?:\s*"[^"]*")+)\)', body):
        doc = "".join(re.findall(r'"([^"]*)"', m.group(8)))
        rows.append("| %s | %s | %s | %s | %s | %s | %s |" % (m.group(1), m.group(2), m.group(4), m.group(5),
                                                            m.group(6), m.group(7), doc))
    return "\n".join(rows) + "\n"


def main():
    srcdir = sys.argv[1]
    path = srcdir + "/doc/format.md"
    want = table(srcdir)
    if "--check" in sys.argv or "--write" in sys.argv:
        have = open(path).read()
        head, rest = have.split(MARK)
        # The table ends at the first line that is not one of its rows.
        rows = rest.lstrip("\n").split("\n")
        while rows and rows[0].startswith("|"):
            rows.pop(0)
        made = head + MARK + "\n" + want + "\n".join(rows)
        if "--write" in sys.argv:
            open(path, "w").write(made)
        return 0 if made == have or "--write" in sys.argv else 1
    print(want, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
