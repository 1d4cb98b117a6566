command_sources += viewer/cmd_record.c
