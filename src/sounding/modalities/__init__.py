"""What a cell of a table holds: how it is read, encoded, explained and disturbed. Knows no loss and no model."""
