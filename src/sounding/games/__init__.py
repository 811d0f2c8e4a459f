"""Games: their rules as compiled functions over arrays of positions, and players that need no network."""
