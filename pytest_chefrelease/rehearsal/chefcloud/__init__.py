"""The product itself: API and web front, as one environment (production, staging) runs them."""
