"""Children who move: another authority notifies, and a temporary entry stands at once."""
