"""Who is told: the inbox of every key worker and duty team, and what a manager has to consider."""
