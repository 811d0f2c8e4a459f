"""What board games share: their network at work, self-play, matches, and how positions are judged."""
