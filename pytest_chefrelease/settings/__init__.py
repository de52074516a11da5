"""Settings: from release.toml, environment and command line to typed, validated values."""
