"""The tool that makes the README's pictures."""
import re
import unittest
import xml.etree.ElementTree as ElementTree

import looptrace
import picture
from viewer import ViewCase


class Pictures(ViewCase):
    def picture_of(self, *words, size='100x30'):
        screen, roles = picture.dump(looptrace.LOOPTRACE, self.dir, words, '3',
                                     size)
        text = picture.svg(screen, roles, tuple(map(int, size.split('x'))))
        return screen, ElementTree.fromstring(text)

    def test_a_picture_has_all_that_the_screen_says(self):
        for options in ({}, {'hostile': True}, {'cut': True}):
            screen, root = self.picture_of(self.trace(**options))
            said = ''.join(root.itertext())
            said = said[said.index('}  text'):] if '}  text' in said else said
            for word in re.findall(r'[A-Za-z0-9_]{3,}', screen):
                self.assertIn(word, said)
            self.assertTrue(said.isprintable() or '\n' in said)

    def test_every_role_has_a_style(self):
        self.assertEqual(len(picture.styles()), 21)


if __name__ == '__main__':
    unittest.main()
