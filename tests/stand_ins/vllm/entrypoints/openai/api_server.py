"""Stands in for vLLM's server: takes its arguments, needs its key, and has children as an engine has.

The environment variable STAND_IN says, as JSON, how it goes wrong: `die_at_start`, `never_up`, `die_after` or
`refuse_after` so many requests, `slow` (s). What it was asked is appended to the file `asked`.
"""

import json
import os
import signal
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import run_simple

from tests.endpoint import Endpoint, refuse

PLAN = json.loads(os.environ["STAND_IN"])


def misbehave(body: dict[str, Any], number: int) -> Response | None:
    with Path(PLAN["asked"]).open("a") as asked:
        asked.write(json.dumps(body) + "\n")
    time.sleep(PLAN.get("slow", 0))
    if number > PLAN.get("die_after", 1e9):
        os.write(1, b"ValueError: the engine of the stand-in \x1b[31mbroke\n")
        os.kill(os.getpid(), signal.SIGKILL)  # its children stay behind
    return refuse(401, "no longer") if number > PLAN.get("refuse_after", 1e9) else None


def main() -> None:
    parser = ArgumentParser()
    for flag in ("model", "host", "served-model-name", "generation-config", "max-logprobs"):
        parser.add_argument(f"--{flag}", required=True)
    parser.add_argument("--port", type=int, required=True)
    given, _ = parser.parse_known_args()
    if os.fork() == 0:  # the engine's core, and a worker of its own
        os.fork()
        time.sleep(600)
        sys.exit()
    if PLAN.get("die_at_start"):
        sys.exit("RuntimeError: Engine core initialization failed. See root cause above.")
    endpoint = Endpoint(model=given.served_model_name, key=os.environ["VLLM_API_KEY"], faults=misbehave)

    @Request.application
    def serve(request: Request) -> Response:
        if request.path == "/health":
            return Response(status=503 if PLAN.get("never_up") else 200)
        return endpoint(request)

    run_simple(given.host, given.port, serve, threaded=True)


if __name__ == "__main__":
    main()
