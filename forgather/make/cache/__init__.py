"""Results of others: the remote cache, its server, uploads, signatures, and what is taken from them."""
