"""These tests need a running Slurm, and are there only within `make test-slurm` (tests/slurm/one_node.sh)."""

import os

collect_ignore_glob = [] if os.environ.get("KINPRINT_TEST_SLURM") else ["test_*.py"]
