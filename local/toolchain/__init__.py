"""Finds, builds and downloads the programs that everything else runs: each folder here pins the versions of some."""
