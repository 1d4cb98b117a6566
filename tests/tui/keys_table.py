#!/usr/bin/env python3
"""The keys of the viewer as a table, from its one table of them.

    keys_table.py LOOPTRACE [--write]

--write puts it into doc/viewer.md; test_keys.py compares the two.
"""
import os
import pathlib
import re
import subprocess
import sys

DOC = pathlib.Path(__file__).resolve().parent.parent.parent / 'doc' / 'viewer.md'
PLACE = re.compile(r'(<!-- keys -->\n).*?(<!-- end -->\n)', re.S)


def table(looptrace):
    text = subprocess.run([looptrace, 'view', '--help'], check=True,
                          capture_output=True, env={**os.environ,
                                                    'LC_ALL': 'C.UTF-8'}
                          ).stdout.decode().partition('\nKeys\n')[2]
    rows = ['| key | does |', '|---|---|']
    for line in text.splitlines():
        keys, what = line[2:20].strip(), line[20:]
        keys = ' '.join(f'`{key}`' for key in keys.split())
        rows.append(f'| {keys} | {what} |'.replace('`|`', '`\\|`'))
    return '\n'.join(rows) + '\n'


def with_table(doc, rows):
    return PLACE.sub(lambda m: m[1] + rows + m[2], doc)


if __name__ == '__main__':
    new = with_table(DOC.read_text(), table(sys.argv[1]))
    if '--write' in sys.argv:
        DOC.write_text(new)
    sys.exit(new != DOC.read_text())
