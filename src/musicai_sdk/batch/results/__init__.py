"""Results: where they go, what each track's folder is called, and what makes them safe."""
