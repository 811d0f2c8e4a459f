"""Games, learnt from nothing by playing."""
