"""Run a sample's main() on asyncio's own loop, or with --uvloop on libuv."""
import argparse
import asyncio


def run(main):
    parser = argparse.ArgumentParser()
    parser.add_argument('--scale', type=float, default=1,
                        help='all times become so many times as long')
    parser.add_argument('--uvloop', action='store_true',
                        help='on uvloop: python3-uvloop')
    arguments = parser.parse_args()
    if arguments.uvloop:
        import uvloop
        uvloop.install()
    asyncio.run(main(arguments.scale))
