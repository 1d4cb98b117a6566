"""Names that try to get out of what they are put in, and what stays inert."""
import unicodedata

# No whitespace is needed around them: traces of text are split at it.
EVIL = (''.join(map(chr, range(1, 0x20))) + '\x7f' +
        ''.join(map(chr, range(0x80, 0xa0))) +
        '\x1b]0;owned\x07\x1b[2J\u202ereversed\u2066\u200b\ufeff\ufffe'
        '</script><!--]]>\'"&;,%s%n\\=1+1|\U000e0041')
LONG = 'long' * 16384
BAD_UTF8 = b'caf\xe9\xff\xc0\x80\xed\xa0\x80\xf8end'


def fixture(text):
    """The bytes of a trace whose every name is hostile."""
    from trace_text import Fixture

    class Hostile(Fixture):
        swaps = {'on_read': EVIL, '/src/shop.c': '/src/' + EVIL,
                 'render': LONG, 'on_tick': BAD_UTF8, 'GET/export': EVIL}

        def string(self, name):
            return super().string(self.swaps.get(name, name))

    return Hostile(names=(EVIL, LONG[:200])).make(text, comm=EVIL[:40],
                                                  notes=[EVIL])


def assert_inert(case, output):
    """Valid UTF-8, in which nothing acts on a terminal or hides."""
    for char in set(output.decode('utf-8')) - {'\n'}:
        case.assertNotIn(unicodedata.category(char), ('Cc', 'Cf', 'Cs', 'Co'),
                         hex(ord(char)))
