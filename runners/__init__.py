"""Who asks, and how: one file a backend, one file a job, and the zoo of real models."""
