"""Models: what is known of them, what they cost, and the clients that speak to them."""
