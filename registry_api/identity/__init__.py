"""What ``auth`` needs stored: what was used up, what was revoked, who has signed in."""
