"""The register, its enquiries, and who is told: one authority's deployment of the service."""
