"""What a serving process loads: nothing that only generators, the simulator or the learner need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HEAVY = {
    "generators",
    "implicit",
    "pandas",
    "polars",
    "pyarrow",
    "ray",
    "scipy",
    "simulator",
    "sklearn",
    "torch",
    "transformers",
    "vowpalwabbit",
}

SERVE = """
import asyncio, json, sys
import numpy as np
import engine.commands, engine.server.process
from engine.config import Settings
from engine.core.context import Context
from engine.server.server import Server
from engine.service.requests import DecideRequest
from engine.wiring import open_worker

async def run(data, campaign):
    settings = Settings(campaigns=(campaign,)).overridden(data=data, port=0)
    worker = open_worker(settings)
    server = Server(settings, worker)
    await server.start()
    request = DecideRequest(campaign="small", user="u", request_id="r", context=Context(np.zeros(0, np.float32)))
    decision = await worker.delivery.decide(request)
    await server.stop()
    return decision.arm

arm = asyncio.run(run(*sys.argv[1:]))
print(json.dumps({"arm": arm, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""

CAMPAIGN = """
id = "small"
[[channels]]
id = "email"
[[slots]]
id = "now"
[[variants]]
id = "a"
state = "approved"
channels = { email = { body = "x" } }
"""


def test_serving_loads_nothing_heavy(tmp_path: Path):
    campaign = tmp_path / "small.toml"
    campaign.write_text(CAMPAIGN)
    done = subprocess.run(
        [sys.executable, "-c", SERVE, str(tmp_path / "data"), str(campaign)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["arm"] in ("hold", "a/email/now")
    assert {"grpc", "numpy", "engine"} <= set(found["modules"])
    assert not HEAVY & set(found["modules"])
