"""A worker's process for `collections.memory_of_a_worker`: the whole app, the queue's code, three collections."""

import json
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path

from dashboard import jobs
from dashboard.embedded import Server
from dashboard.targets.run import collect_target
from tests.conftest import make_app


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def peak_bytes() -> int:
    """Of this process alone: the ru_maxrss of getrusage also knows the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(data_dir: str, dbname: str, target_id: str) -> None:
    app = make_app(Server(Path(data_dir)), dbname)
    jobs.make_queue(app)
    held = [resident_bytes()]
    for _ in range(3):
        with app.app_context():
            collect_target(int(target_id), datetime.now(UTC), jobs.COLLECTORS, by_hand=True)
        held.append(resident_bytes())
    held.append(peak_bytes())
    print(json.dumps(held))


if __name__ == "__main__":
    main(*sys.argv[1:])
