"""What every room stands on: settings, database, clock, errors, encryption, logs, limits."""
