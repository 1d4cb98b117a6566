output_sources =
