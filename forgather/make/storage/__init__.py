"""What actions produced, by key: entries, blobs, layers, and how results are found again."""
