"""What the node is measured by: `python -m bench.node`, or one part alone (`-m bench.chain`)."""
