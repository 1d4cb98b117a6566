read_sources =
