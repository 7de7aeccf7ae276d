"""Who comes back: what a request says of browser and place, and the sealed cookies. No SQL, no routes."""
