"""The house rules that a machine can check, and that the papers are true."""
import collections
import os
import pathlib
import re
import subprocess
import unittest

from looptrace import LONG, LOOPTRACE, SRCDIR, Case

OURS = ('libtrace', 'viewer', 'samples', 'tests', 'bench')
GIT = ['git', '-c', f'safe.directory={SRCDIR}', '-C', str(SRCDIR)]


def sources(*patterns):
    for folder in OURS:
        for pattern in patterns:
            yield from sorted((SRCDIR / folder).rglob(pattern))


def name_of(path):
    return str(path.relative_to(SRCDIR))


def blocks_of_code(text):
    """The commands in a paper: lines of ``` blocks, without "$ "."""
    for block in re.findall(r'^```\w*\n(.*?)^```', text, re.M | re.S):
        yield from re.findall(r'^(?:\$ )?(.*)$', block, re.M)


class Sources(unittest.TestCase):
    maxDiff = None

    def test_every_exported_function_is_documented(self):
        # A paragraph of declarations stands under the comment that opens it.
        seen, bare = 0, []
        for path in sources('*.h'):
            for paragraph in re.split(r'\n[ \t]*\n', path.read_text()):
                heads = list(re.finditer(
                    r'^(?!#|typedef|static|extern \w+ \w+ |struct \w+ \{|\s|'
                    r'/|\}|_Static)[\w \n*()]*?\b(?!__)(\w+)'
                    r'\([^;{]*\)[^;{]*;', paragraph, re.M))
                seen += len(heads)
                if heads and '*/' not in paragraph[:heads[0].start()]:
                    names = ', '.join(head[1] for head in heads)
                    bare.append(f'{name_of(path)}: {names}')
        self.assertGreater(seen, 50)
        self.assertEqual(bare, [])

    def test_no_file_is_longer_than_800_lines(self):
        long = [f'{name_of(p)}: {len(p.read_bytes().splitlines())}'
                for p in sources('*.c', '*.h', '*.py')
                if len(p.read_bytes().splitlines()) > 800]
        self.assertEqual(long, [])

    def test_each_c_file_opens_by_saying_its_job(self):
        silent = [name_of(p) for p in sources('*.c')
                  if not p.read_text().startswith('/*')]
        self.assertEqual(silent, [])

    def test_nothing_is_left_for_later(self):
        words = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b|not (yet )?implemented')
        this = pathlib.Path(__file__).resolve()
        left = [f'{name_of(p)}: {m.group()}'
                for p in sources('*.c', '*.h', '*.py', '*.mk')
                if p.resolve() != this
                for m in words.finditer(p.read_text())]
        self.assertEqual(left, [])

    def test_no_code_stands_twice(self):
        run = 10  # lines in a row, blank ones and lone brackets not counted
        where = collections.defaultdict(list)
        for path in sources('*.c', '*.h'):
            lines = [line.strip() for line in path.read_text().splitlines()]
            lines = [line for line in lines
                     if len(line) > 2 and not line.startswith('#include')]
            for i in range(len(lines) - run + 1):
                where['\n'.join(lines[i:i + run])].append(name_of(path))
        twice = {' and '.join(sorted(set(paths))): text
                 for text, paths in where.items() if len(paths) > 1}
        self.assertEqual(twice, {})


class Repository(unittest.TestCase):
    def setUp(self):
        if not (SRCDIR / '.git').exists():
            self.skipTest('not a git checkout')

    def tracked(self):
        out = subprocess.run(GIT + ['ls-files', '-z'], check=True,
                             capture_output=True).stdout.decode()
        return out.rstrip('\0').split('\0')

    def test_nothing_built_is_committed(self):
        built = re.compile(r'(^|/)(configure|Makefile(\.in)?|aclocal\.m4|'
                           r'config\.\w+|libtool|__pycache__|\.libs|\.deps)'
                           r'(/|$)|\.(o|lo|la|so|a|pyc|lt|log|trs)$|^build')
        self.assertEqual(
            [p for p in self.tracked()
             if built.search(p) and not p.startswith('tests/fixtures/')], [])

    def test_no_binary_but_fixtures_is_committed(self):
        binary = [p for p in self.tracked()
                  if not p.startswith('tests/fixtures/')
                  and (SRCDIR / p).is_file()
                  and b'\0' in (SRCDIR / p).read_bytes()]
        self.assertEqual(binary, [])


class Papers(Case):
    def papers(self):
        for name in ('README.md', 'HACKING.md', 'samples/README.md'):
            yield name, (SRCDIR / name).read_text()

    def test_commands_of_looptrace_in_the_papers_exist(self):
        helps = {}
        for name, text in self.papers():
            for line in blocks_of_code(text):
                match = re.match(r'(?:build/)?looptrace (\w+)(.*)', line)
                if not match:
                    continue
                command, rest = match.groups()
                if command not in helps:
                    result = self.looptrace(command, '--help')
                    self.assertEqual(result.returncode, 0, f'{name}: {line}')
                    helps[command] = (result.stdout + result.stderr).decode()
                own = rest.split(' -- ')[0].split('#')[0]
                for option in re.findall(r'(?<=\s)--?[a-z][\w-]*', own):
                    self.assertIn(option, helps[command], f'{name}: {line}')
        self.assertTrue({'record', 'check', 'report', 'view'} <= set(helps))

    def test_commands_of_dev_in_the_papers_exist(self):
        told = self.run_command(SRCDIR / 'dev', 'help').stdout.decode()
        for name, text in self.papers():
            for command in re.findall(r'\./dev ([a-z]+)', text):
                self.assertRegex(told, rf'(?m)^  {command}\b', name)

    def test_files_named_in_the_papers_exist(self):
        names = re.compile(r'`((?:libtrace|viewer|samples|tests|doc|bench)'
                           r'/[\w./-]*\w/?)`')
        for paper in ('README.md', 'HACKING.md', 'samples/README.md',
                      'doc/architecture.md'):
            text = (SRCDIR / paper).read_text()
            for name in names.findall(text):
                if 'NAME' in name:
                    continue  # a pattern, in a recipe
                self.assertTrue((SRCDIR / name).exists(), f'{paper}: {name}')

    def test_every_command_and_its_options_explain_themselves(self):
        listing = self.looptrace().stdout + self.looptrace('--help').stdout
        for command in ('record', 'view', 'check', 'report', 'info'):
            self.assertIn(command.encode(), listing)
            result = self.looptrace(command, '--help')
            self.assertEqual(result.returncode, 0, result)
            self.assertIn(b'looptrace ' + command.encode(), result.stdout)


class Dev(Case):
    def test_help_and_a_wrong_word(self):
        self.assertEqual(self.run_command(SRCDIR / 'dev', 'help').returncode, 0)
        wrong = self.run_command(SRCDIR / 'dev', 'frobnicate')
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn(b'frobnicate', wrong.stderr)


@unittest.skipUnless(LONG, 'builds everything anew: ./dev test --long')
class Tarball(Case):
    def must(self, *command, **options):
        result = self.run_command(*command, seconds=1800, **options)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        return result

    def test_dist_builds_elsewhere_and_installs(self):
        build = pathlib.Path(LOOPTRACE).parent
        self.must('make', '-C', build, 'dist')
        archive, = build.glob('looptrace-*.tar.xz')
        self.addCleanup(archive.unlink)
        self.must('tar', '-xf', archive)
        source, = self.dir.glob('looptrace-*')
        out = self.dir / 'out'
        out.mkdir()
        self.must(source / 'configure', '--quiet', '--prefix=/usr', cwd=out)
        self.must('make', '-s', f'-j{os.cpu_count()}', cwd=out)
        self.must('make', '-s', 'install', f'DESTDIR={self.dir}/root', cwd=out)
        root = self.dir / 'root' / 'usr'
        for name in ('bin/looptrace', 'include/looptrace/trace.h',
                     'lib/liblooptrace.so', 'lib/pkgconfig/looptrace.pc',
                     'lib/looptrace/liblooptrace-preload.so'):
            self.assertTrue((root / name).exists(), name)
        self.must(root / 'bin/looptrace', '--version')


if __name__ == '__main__':
    unittest.main()
