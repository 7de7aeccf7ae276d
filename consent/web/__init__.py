"""The edge towards the network: who asks, how much, how fast, and how errors read."""
