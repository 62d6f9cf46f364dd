"""Looking after a store: how much it holds, what can go, whether it is whole, where things lie."""
