"""The tests. Every folder here is a package, so two test files may have the same name."""
