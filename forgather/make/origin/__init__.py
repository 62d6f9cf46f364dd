"""Where an artifact comes from, and making it again from that."""
