"""The application's logs: one module per source, and what makes a tally of their lines."""
