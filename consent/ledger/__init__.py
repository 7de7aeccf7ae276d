"""What cannot be altered: one Merkle tree a site, in C2SP formats."""
