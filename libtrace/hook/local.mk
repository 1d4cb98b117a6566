hook_sources = libtrace/hook/real.h
