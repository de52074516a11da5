"""The drill: what migrations do to production's data, tried where it does no harm."""
