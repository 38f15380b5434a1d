"""Speed and quality against the peers, on the same work and in one run."""
