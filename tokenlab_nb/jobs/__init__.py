"""WHEN it runs: one job from request to stored pictures, many at once, on one loop in one thread."""
