"""The layouts in which people keep pictures with boxes, read as they lie, without a conversion."""
