"""One experiment as it runs, without Qt."""
