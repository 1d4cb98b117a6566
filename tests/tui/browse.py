"""Keys of somebody who looks around in a trace, without those that leave."""
import random

ONE = ['2', '3', '4', '5', '1', 'h', 'l', 'j', 'k', 'j', 'k', '+', '-', '.', ',', 'e',
       'E', 'z', 'Z', '0', 'g', 'G', 't', 'T', 'p', '\r', 'n', 'i', '>', '<', 'o',
       '\x04', '\x15', ' ', ' ', 'u']
LINES = ['/site:*\r', '&dur>1ms\r', '&\x15\r',
         ':goto 1.1s\r', ':zoom 1s..1.2s\r',
         '/zz-no-such\r', "ma''"]


def keys(n, seed=1):
    r = random.Random(seed)
    return [r.choice(LINES) if r.random() < .08 else r.choice(ONE)
            for _ in range(n)]
