"""What is wrong with a target's objects, why, and the remedy."""
