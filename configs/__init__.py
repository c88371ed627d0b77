"""The Hydra tree: one group a swappable role, one primary file a job."""
