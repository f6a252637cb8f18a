"""python -m cairn.deploy.guest -o DIR"""

import argparse
import os
import sys
from pathlib import Path

from cairn.deploy.guest import BuildError, build

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "cairn-guest"


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m cairn.deploy.guest", description="Build Cairn's guest image."
    )
    parser.add_argument("-o", "--output", type=Path, default=Path(), metavar="DIR")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR")
    args = parser.parse_args()
    try:
        image = build(args.output, args.cache)
    except BuildError as error:
        print(f"guest image: {error}", file=sys.stderr)
        return 1
    print(f"{image} ({image.stat().st_size / 2**20:.1f} MiB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
