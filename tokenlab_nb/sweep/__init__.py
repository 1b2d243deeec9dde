"""MANY cells: what a grid will do and cost, doing it, and judging what came."""
