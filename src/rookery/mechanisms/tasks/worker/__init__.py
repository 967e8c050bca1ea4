"""A worker: takes tasks, has them done in threads, on a loop or in processes, and records what came of it."""
