"""What was asked, answered, refused or read, by whom: rows that are only ever added."""
