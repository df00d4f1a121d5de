"""Models by name: their cards, their weights, and the folders that hold them."""
