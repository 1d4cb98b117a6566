"""What looptrace writes, read by other people's programs from npm.

They are installed into a temporary folder; where node or npm is missing, or its
registry cannot be reached, the tests are skipped.
"""
import functools
import http.server
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import threading
import unittest
import zlib

from hostile import fixture
from looptrace import LONG, SRCDIR, Case, needs
from trace_text import CLEAN, SHOP, trace

PACKAGES = ('@microsoft/jest-sarif@1.0.0-beta.0', '@duckdb/node-api@1.5.6-r.1')
SPEEDSCOPE = ('speedscope@1.25.0',)


@functools.cache
def install(packages):
    """A folder with these in its node_modules, or why there is none."""
    if not shutil.which('node') or not shutil.which('npm'):
        return None, 'node and npm are not installed'
    folder = tempfile.TemporaryDirectory(prefix='looptrace-npm.')
    env = dict(os.environ, HOME=folder.name, npm_config_cache=folder.name +
               '/cache', npm_config_update_notifier='false')
    try:
        result = subprocess.run(
            ['npm', 'install', '--prefix', folder.name, '--ignore-scripts',
             '--no-audit', '--no-fund', '--fetch-retries=0',
             '--fetch-timeout=20000', *packages],
            env=env, capture_output=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL)
        problem = result.stderr.decode(errors='replace')[-300:]
        is_there = result.returncode == 0
    except subprocess.TimeoutExpired:
        is_there, problem = False, 'it took more than two minutes'
    if not is_there:
        folder.cleanup()
        return None, f'npm cannot install {packages}: {problem}'
    unittest.addModuleCleanup(folder.cleanup)
    return folder, None


class Consumer(Case):
    packages = PACKAGES

    @classmethod
    def setUpClass(cls):
        cls.folder, problem = install(cls.packages)
        if problem:
            raise unittest.SkipTest(problem)
        cls.modules = pathlib.Path(cls.folder.name) / 'node_modules'

    def node(self, script, *arguments):
        """Run one of tests/support/consume_*.js."""
        copy = pathlib.Path(self.folder.name) / script
        shutil.copy(SRCDIR / 'tests/support' / script, copy)
        return self.run_command('node', copy, *arguments, seconds=120)


class Rows(Consumer):
    def query(self, sql):
        result = self.node('consume_duckdb.js', sql)
        self.assertEqual(result.returncode, 0, result)
        return json.loads(result.stdout)

    def export(self, name, data):
        (self.dir / 'x.lt').write_bytes(data)
        result = self.looptrace('export', '-f', name, '--overwrite', '-o',
                                f'x.{name}', 'x.lt')
        self.assertEqual(result.returncode, 0, result)
        return self.dir / f'x.{name}'

    def test_duckdb_queries_ndjson_and_csv(self):
        data = trace(SHOP)
        sources = [f"read_json_auto('{self.export('ndjson', data)}', "
                   "format='newline_delimited')",
                   f"read_csv_auto('{self.export('csv', data)}')"]
        for source in sources:
            rows = self.query(
                'SELECT callee, count(*)::INT AS n, sum(duration_ns)::BIGINT '
                f"AS ns FROM {source} WHERE kind = 'call' GROUP BY callee")
            self.assertEqual([(r['callee'], r['n'], int(r['ns']))
                              for r in rows], [('uv_sleep', 1, 400_000_000)])
            rows = self.query(f'SELECT count(*)::INT AS n FROM {source}')
            self.assertEqual(rows[0]['n'], SHOP.strip().count('\n') + 1)

    def test_duckdb_reads_hostile_names(self):
        data = fixture(SHOP)
        for source in (f"read_json_auto('{self.export('ndjson', data)}', "
                       "format='newline_delimited', "
                       'maximum_object_size=10000000)',
                       f"read_csv_auto('{self.export('csv', data)}', "
                       "delim=',', quote='\"', escape='\"', header=true, "
                       'max_line_size=10000000)'):
            rows = self.query(f'SELECT count(*)::INT AS n FROM {source}')
            self.assertEqual(rows[0]['n'], SHOP.strip().count('\n') + 1)


class Sarif(Consumer):
    def test_the_schema_accepts_it(self):
        cut = trace(SHOP)[:-60]
        names = []
        for i, data in enumerate((trace(SHOP), trace(CLEAN), fixture(SHOP),
                                  cut, b'no trace')):
            (self.dir / 'x.lt').write_bytes(data)
            names.append(self.dir / f'{i}.sarif')
            self.looptrace('check', '--format', f'sarif:{names[-1]}', 'x.lt')
        result = self.node('consume_sarif.js', *names)
        self.assertEqual((result.returncode, result.stdout), (0, b''), result)

    def test_what_is_muted_known_or_in_two_traces_is_accepted_too(self):
        (self.dir / 'x.lt').write_bytes(trace(SHOP))
        self.looptrace('check', '--baseline', 'b.json', '--update-baseline',
                       'x.lt')
        (self.dir / 'mute').write_text('stall : * # a reason "]]>\n')
        names = []
        for i, arguments in enumerate((
                ['--baseline', 'b.json'], ['--suppressions', 'mute'],
                ['--max-blocking', '0', '--max-utilization', '1%', 'x.lt'])):
            names.append(self.dir / f'{i}.sarif')
            self.looptrace('check', '--format', f'sarif:{names[-1]}',
                           *arguments, 'x.lt')
        result = self.node('consume_sarif.js', *names)
        self.assertEqual((result.returncode, result.stdout), (0, b''), result)


def colours(png):
    """How many colours a picture has (8 bits a channel, not interlaced)."""
    data, at = b'', 8
    while at < len(png):
        size, kind = struct.unpack('>I4s', png[at:at + 8])
        body = png[at + 8:at + 8 + size]
        if kind == b'IHDR':
            width, _, depth, colour = struct.unpack('>IIBB', body[:10])
        data += body if kind == b'IDAT' else b''
        at += 12 + size
    assert depth == 8
    step = {2: 3, 6: 4}[colour]
    rows, stride, previous, seen = zlib.decompress(data), width * step, None, set()
    for start in range(0, len(rows), stride + 1):
        how, row = rows[start], bytearray(rows[start + 1:start + 1 + stride])
        for i in range(stride):
            left = row[i - step] if i >= step else 0
            up = previous[i] if previous else 0
            corner = previous[i - step] if previous and i >= step else 0
            guess = left + up - corner
            nearest = min((left, up, corner), key=lambda v: abs(guess - v))
            row[i] = (row[i] + (0, left, up, (left + up) // 2,
                                nearest)[how]) & 255
        seen.update(bytes(row[i:i + 3]) for i in range(0, stride, step))
        previous = row
    return len(seen)


@unittest.skipUnless(LONG, 'starts a browser: ./dev test --long')
@needs('chromium')
class Speedscope(Consumer):
    packages = SPEEDSCOPE

    def setUp(self):
        super().setUp()
        root = self.modules / 'speedscope' / 'dist' / 'release'
        handler = functools.partial(http.server.SimpleHTTPRequestHandler,
                                    directory=str(root))
        handler.log_message = lambda *_: None
        self.root = root
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def show(self, name, *options):
        base = f'http://127.0.0.1:{self.server.server_address[1]}'
        return self.run_command(
            'chromium', '--headless=new', '--no-sandbox',
            '--disable-dev-shm-usage', f'--user-data-dir={self.dir}/profile',
            '--window-size=1200,700', '--virtual-time-budget=20000', *options,
            f'{base}/index.html#profileURL={base}/{name}', seconds=120)

    def test_it_draws_the_callbacks(self):
        (self.dir / 'x.lt').write_bytes(trace(SHOP))
        for form, title in (('chrome-json', 'shop (pid 4711)'),
                            ('folded', 'x.folded')):
            name = f'x.{form}'
            self.looptrace('export', '-f', form, '--overwrite', '-o',
                           self.root / name, 'x.lt')
            dom = self.show(name, '--dump-dom').stdout.decode()
            self.assertIn('Left Heavy', dom)
            self.assertIn(title, dom)
            picture = self.dir / 'shot.png'
            self.show(name, f'--screenshot={picture}')
            self.assertGreater(colours(picture.read_bytes()), 20)


if __name__ == '__main__':
    unittest.main()
