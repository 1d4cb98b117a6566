"""Goldens: what a command printed must be what is in golden/.

UPDATE=1 writes them anew; look at the difference before it is committed.
"""
import os
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parent / 'golden'


def compare(case, name, output):
    path = GOLDEN / name
    if os.environ.get('UPDATE'):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(output)
    case.assertTrue(path.exists(), f'{path}: make it with UPDATE=1')
    case.assertEqual(output.decode(), path.read_text(), name)
