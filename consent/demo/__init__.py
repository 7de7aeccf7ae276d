"""A shop of lamps that shows the whole chain: `consent serve` publishes it."""
