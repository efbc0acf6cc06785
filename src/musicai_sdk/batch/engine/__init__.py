"""The run itself: what is done with each track, in which order, and what follows from a failure."""
