"""Chess, learnt from recorded games and puzzles."""
