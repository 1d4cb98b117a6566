#!/usr/bin/env python3
"""Pictures of the viewer's screens, as SVG, from its own cell buffer.

    picture.py LOOPTRACE FOLDER [--size 100x30] [--light]

One file a screen, of the trace that shop.py makes.  Without --light a picture
follows the colour scheme of who looks at it.  ./dev pictures makes those that
the README shows.
"""
import argparse
import os
import pathlib
import re
import subprocess
import tempfile
from xml.sax.saxutils import escape

import export_trace
import shop

HERE = pathlib.Path(__file__).resolve().parent
ROLES = HERE.parent.parent / 'viewer' / 'tui' / 'term' / 'role.h'

# name: traces, keys
PICTURES = {
    'overview': (['shop.lt'], ''),
    'lanes': (['shop.lt'], 'ee'),
    'lanes-tasks': (['export.lt'], '2e'),
    'stalls': (['shop.lt'], '3j'),
    'detail': (['shop.lt'], '3j<Enter>'),
    'sites': (['shop.lt'], '4'),
    'tasks': (['shop.lt'], '3jT'),
    'compare': (['before.lt', 'shop.lt'], ''),
    'replay': (['shop.lt'], 'ee<Space><Tick:2500>'),
    'filter': (['shop.lt'], '3&dur>80ms ki'),
}

SOURCES = {'orders.c': '\n' * 84 + '''/* Orders are on the disk before the customer is told. */
static void on_saved(uv_fs_t *request) {
  struct order *order = request->data;
  encode(order, &order->bytes);
  write_all(order->file, &order->bytes);
  if (order->is_paid)
    fsync(order->file);
  answer(order->client, 200);
  release(order);
}
'''}

W, H = 8, 17  # of a cell
DARK = {'back': '#15181d', 'text': '#d5d9df'}
LIGHT = {'back': '#ffffff', 'text': '#1f2328'}
BOLD, DIM, REVERSE = 1, 2, 4
LOOKS = {'LOOK_BOLD': BOLD, 'LOOK_DIM': DIM, 'LOOK_REVERSE': REVERSE}


def xterm(n):
    """The colour of xterm's palette of 256."""
    if n >= 232:
        return '#%02x%02x%02x' % ((8 + 10 * (n - 232),) * 3)
    n -= 16
    level = [0, 95, 135, 175, 215, 255]
    return '#%02x%02x%02x' % (level[n // 36], level[n // 6 % 6], level[n % 6])


def styles():
    """By letter: colour (None: the terminal's own) and look."""
    found = {' ': (None, 0)}
    row = re.compile(r"X\(\w+, '(.)', (-?\d+), -?\d+, ([\w |]+)\)")
    for letter, color, look in row.findall(ROLES.read_text()):
        bits = sum(LOOKS.get(word, 0) for word in re.findall(r'\w+', look))
        found[letter] = (xterm(int(color)) if int(color) >= 0 else None, bits)
    return found


# Lines of a box, as the sides of the cell that they reach.
LINES = {'─': 'lr', '━': 'lr', '═': 'lr', '│': 'ud', '┊': 'ud', '╷': 'd', '┌': 'rd',
         '┐': 'ld', '└': 'ru', '┘': 'lu', '├': 'udr', '┤': 'udl'}


def block(ch):
    """A block element as x, y, width, height and opacity of a cell, or None:
    fonts leave gaps between them."""
    n = ord(ch)
    if ch in LINES:
        return 0, 0, 0, 0, 0
    if 0x2581 <= n <= 0x2588:
        eighths = n - 0x2580
        return 0, 1 - eighths / 8, 1, eighths / 8, 1
    if 0x2589 <= n <= 0x258f:
        return 0, 0, (0x2590 - n) / 8, 1, 1
    if 0x2591 <= n <= 0x2593:
        return 0, 0, 1, 1, (n - 0x2590) / 4
    return None


def draw_line(y, column, text, fill):
    """The same line over one cell or several."""
    x, middle, thick = column * W, y * H + H // 2, 2 if text[0] == '━' else 1
    if text[0] == '═':
        return [f'<rect x="{x}" y="{middle + by}" width="{W * len(text)}" '
                f'height="1" fill="{fill}"/>' for by in (-2, 1)]
    out = []
    for side in LINES[text[0]]:
        rect = {'l': (x, middle, W * len(text) // 2 + 1, thick),
                'r': (x + W // 2, middle, W * len(text) - W // 2, thick),
                'u': (x + W // 2, y * H, 1, H // 2 + 1),
                'd': (x + W // 2, middle, 1, H - H // 2)}[side]
        out.append('<rect x="{}" y="{}" width="{}" height="{}" fill="{}"/>'
                   .format(*rect, fill))
    return out


def runs(text, roles):
    """Stretches of one style: column, text, letter, selected."""
    text, roles = list(text.ljust(len(roles))), roles.ljust(len(text))
    at = 0
    while at < len(text):
        end = at + 1
        while (end < len(text) and roles[end] == roles[at] and
               text[at] in '─━═' and text[end] == text[at]):
            end += 1
        while (end < len(text) and roles[end] == roles[at] and
               bool(block(text[end])) == bool(block(text[at])) and
               not block(text[at])):
            end += 1
        letter = roles[at]
        selected = letter.isupper()
        letter = letter.lower() if selected else letter
        if selected and letter == 's':
            letter = '.'
        yield at, ''.join(text[at:end]), letter, selected
        at = end


def draw_run(y, column, text, color, look, selected):
    fill = color or 'var(--text)'
    reverse = selected or look & REVERSE
    out = []
    if reverse:
        out.append(f'<rect x="{column * W}" y="{y * H}" width="{len(text) * W}" '
                   f'height="{H}" fill="var(--text)"/>')
        fill = 'var(--back)'
    shape = block(text[0])
    if text[0] in LINES:
        out += draw_line(y, column, text, fill)
    elif shape:
        bx, by, bw, bh, opacity = shape
        extra = '' if opacity == 1 else f' opacity="{opacity}"'
        out.append(f'<rect x="{(column + bx) * W:g}" y="{(y + by) * H:g}" '
                   f'width="{bw * W:g}" height="{bh * H:g}" fill="{fill}"{extra}/>')
    elif text.strip():
        bare = len(text) - len(text.lstrip())
        column, text = column + bare, text.strip()
        bold = ' font-weight="bold"' if look & BOLD else ''
        out.append(f'<text x="{column * W}" y="{y * H + 13}" '
                   f'textLength="{len(text) * W}" fill="{fill}"{bold}>'
                   f'{escape(text)}</text>')
    return out


def svg(screen, roles, size, scheme=None):
    """screen, roles: what --dump-screen and --dump-attr print."""
    w, h = size[0] * W, size[1] * H
    known = styles()

    def variables(colors):
        return f'--back: {colors["back"]}; --text: {colors["text"]};'
    style = f':root {{ {variables(scheme or DARK)} }}'
    if not scheme:
        style += (f' @media (prefers-color-scheme: light) {{ :root {{ '
                  f'{variables(LIGHT)} }} }}')
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" width="{w}" height="{h}" '
           f'viewBox="0 0 {w} {h}">',
           f'<style>{style} text {{ font: 13.3px "DejaVu Sans Mono", Menlo, '
           'Consolas, monospace; white-space: pre; }</style>',
           f'<rect width="{w}" height="{h}" fill="var(--back)"/>']
    rows = zip(screen.split('\n'), roles.split('\n'))
    for y, (text, letters) in enumerate(rows):
        for column, part, letter, selected in runs(text, letters):
            color, look = known.get(letter, (None, 0))
            out += draw_run(y, column, part, color, look, selected)
    out.append('</svg>')
    text = '\n'.join(out) + '\n'
    if scheme:  # for tools that know no variables
        for name, color in scheme.items():
            text = text.replace(f'var(--{name})', color)
    return text


def dump(looptrace, folder, traces, keys, size):
    result = subprocess.run(
        [looptrace, 'view', '--dump-screen', '--dump-attr', '--size', size,
         '--keys', keys, *traces], cwd=folder, check=True, capture_output=True,
        env={**os.environ, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'})
    return result.stdout.decode().split('\f\n')


def main():
    parser = argparse.ArgumentParser(description='Make pictures of the viewer.')
    parser.add_argument('looptrace', type=pathlib.Path)
    parser.add_argument('folder', type=pathlib.Path)
    parser.add_argument('--size', default='100x30')
    parser.add_argument('--light', action='store_true')
    parser.add_argument('--dark', action='store_true')
    arguments = parser.parse_args()
    looptrace = arguments.looptrace.resolve()
    scheme = LIGHT if arguments.light else DARK if arguments.dark else None
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        sources = pathlib.Path(folder, 'src')
        sources.mkdir()
        for name, text in SOURCES.items():
            (sources / name).write_text(text)
        for name, options in (('shop.lt', {}), ('before.lt', {'calm': True})):
            pathlib.Path(folder, name).write_bytes(
                shop.make(folder=str(sources), **options))
        pathlib.Path(folder, 'export.lt').write_bytes(export_trace.export())
        for name, (traces, keys) in PICTURES.items():
            screen, roles = dump(looptrace, folder, traces, keys,
                                 arguments.size)
            size = tuple(map(int, arguments.size.split('x')))
            (arguments.folder / f'{name}.svg').write_text(
                svg(screen, roles, size, scheme))


if __name__ == '__main__':
    main()
