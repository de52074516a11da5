"""One file per thing that a repository may hold: what it suggests for settings."""
