"""Who exists: organisations, agreements, their clients and professionals, cover while one is away."""
