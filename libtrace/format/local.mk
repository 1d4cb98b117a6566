format_sources =
