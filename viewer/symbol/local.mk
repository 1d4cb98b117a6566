symbol_sources =
