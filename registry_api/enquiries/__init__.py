"""The main job: an enquiry is recorded, answered by the procedures, and followed up."""
