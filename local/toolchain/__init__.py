"""Finds, builds or downloads the programs that are run. The folders pin their versions."""
