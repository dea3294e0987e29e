"""The films of `make library`, and the model that plays in it: it understands these films and nothing else."""
