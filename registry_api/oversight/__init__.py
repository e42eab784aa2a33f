"""Whether the service is misused: enquiries looked over after they were answered, and alerts to whoever decides."""
