"""What is held about one client: handed to them as a pack, erased, kept for a time, held back from erasure."""
