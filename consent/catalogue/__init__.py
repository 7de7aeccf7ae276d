"""What a tracker is: services as data, one TOML file each."""
