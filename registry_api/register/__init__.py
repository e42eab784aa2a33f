"""The children: who they are, where they live, their plans and cases, and how they are found again."""
