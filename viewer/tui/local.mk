tui_sources =
