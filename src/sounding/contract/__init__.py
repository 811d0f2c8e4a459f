"""The words that everything else is said in: tasks, modalities, recipes, records, metrics, sections of a card."""
