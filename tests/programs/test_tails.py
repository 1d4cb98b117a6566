"""Where a task was made, and a blocking call, where the call is a function's
last act and has become a jump: the caller's frame is gone, not its name."""
import json
import platform
import re
import unittest

from looptrace import BUILDDIR, SRCDIR, Case, needs

SOURCE = SRCDIR / 'tests/programs/hook_tails.c'
MARKED = {re.search(r'/\* (\w+) \*/', line)[1]: number
          for number, line in enumerate(SOURCE.read_text().splitlines(), 1)
          if re.search(r';\s+/\* \w+ \*/$', line)}


@unittest.skipUnless(platform.machine() == 'x86_64', 'x86-64 code is read')
@needs('gcc')
class Tails(Case):
    def recorded(self, *flags):
        """Of each task the function that made it and its line, by callback;
        the same of usleep."""
        program, trace = self.dir / 'tails', self.dir / 'x.lt'
        built = self.run_command('gcc', '-D_GNU_SOURCE', '-O2', '-g', *flags,
                                 '-o', program, SOURCE, '-luv')
        self.assertEqual(built.returncode, 0, built.stderr)
        result = self.looptrace('record', '-q', '-o', trace, '--', program)
        self.assertEqual(result.returncode, 0, result.stderr)
        dump = BUILDDIR / 'tests/support/dump_trace'
        sites = {0: None}
        for line in self.run_command(dump, '--defs', trace).stdout.decode() \
                .splitlines():
            words = line.split()
            if words[0] == 'site':
                sites[int(words[1])] = (words[4].rsplit('+', 1)[0],
                                        int(words[5].rsplit(':', 1)[1]))
        made = {}
        for line in self.run_command(dump, trace).stdout.splitlines():
            e = json.loads(line)
            if e['kind'] == 1:
                made[sites[e['a']][0]] = sites[e['b']]
            elif e['kind'] == 7 and e['x'] == 2:
                made['on_sleeps'] = sites[e['a']]
        return made

    def assert_true(self, made):
        for name, line in MARKED.items():
            with self.subTest(name):
                self.assertEqual(made[f'on_{name}'], (name, line))
        for name, function in (('first', 'ambiguous'), ('second', 'ambiguous'),
                               ('pointed', 'pointed')):
            with self.subTest(name):
                self.assertEqual(made[f'on_{name}'][0], function)
        self.assertEqual(made['on_idle'][0], 'main')
        self.assertIsNone(made['on_last']) # its parent's callback says it

    def test_a_jump_is_named_where_it_is(self):
        self.assertEqual(len(MARKED), 6)
        self.assert_true(self.recorded())

    def test_without_a_linkage_table(self):
        self.assert_true(self.recorded('-fno-plt'))

    def test_at_a_fixed_address(self):
        self.assert_true(self.recorded('-no-pie', '-fcf-protection=full'))

    def test_with_no_symbols_the_address_stays(self):
        """No name is invented: none but the dynamic ones are there."""
        made = self.recorded('-s')
        self.assertEqual({site[0] for site in made.values() if site}
                         & {'direct', 'tail', 'inner', 'sleeps'}, set())


if __name__ == '__main__':
    unittest.main()
