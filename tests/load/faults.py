"""tests/run_faults: see there."""
import sys
import tempfile
import time

import clock
import connections
import kills
import memory
import weights
from client import Access
from home import Home

# By name: a function of the home that returns what went wrong, as a list of sentences, and prints what it measured.
FAULTS = {"connections": connections.run, "memory": memory.run, "weights": weights.run, "kills": kills.run,
          "clock": clock.run}


def main(program, names):
    unknown = [name for name in names if name not in FAULTS]
    if unknown:
        raise SystemExit(f"expected some of {', '.join(FAULTS)}, got {', '.join(unknown)}")
    failed = 0
    for name in names or FAULTS:
        print(f"== {name}", flush=True)
        begin = time.time()
        with tempfile.TemporaryDirectory() as path:
            home = Home(program, path)
            Access.key = home.keys["users"]
            problems = FAULTS[name](home)
        for problem in dict.fromkeys(problems):
            print(f"✖ {name}: {problem}")
        failed += bool(problems)
        print(f"   {time.time() - begin:.0f} s", flush=True)
    print(f"faults: {len(names or FAULTS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
