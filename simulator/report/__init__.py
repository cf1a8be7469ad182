"""Reports of a replay: typed results, the terminal, HTML."""
