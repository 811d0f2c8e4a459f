"""Actions as answers: what an agent does, and what it expects of it."""
