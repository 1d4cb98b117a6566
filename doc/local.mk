EXTRA_DIST += doc/architecture.md doc/check.md doc/format.md doc/performance.md \
	doc/recording.md doc/tasks.md doc/viewer.md \
	$(wildcard $(srcdir)/doc/decisions/*.md) $(wildcard $(srcdir)/doc/ci/*.*) \
	$(wildcard $(srcdir)/doc/pictures/*.svg)
dist_man_MANS = doc/man/looptrace.3

# What looptrace tells of itself: it writes the page and the completions.
if CAN_RUN
man_MANS = doc/man/looptrace.1
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = doc/man/looptrace
zshcompletiondir = $(datadir)/zsh/site-functions
zshcompletion_DATA = doc/man/_looptrace
fishcompletiondir = $(datadir)/fish/vendor_completions.d
fishcompletion_DATA = doc/man/looptrace.fish
told = doc/man/looptrace.1 doc/man/looptrace doc/man/_looptrace \
	doc/man/looptrace.fish
CLEANFILES += $(told)

doc/man/looptrace.1: looptrace$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc/man && ./looptrace help --man > $@.new && mv $@.new $@
doc/man/looptrace: looptrace$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc/man && ./looptrace completion bash > $@.new && mv $@.new $@
doc/man/_looptrace: looptrace$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc/man && ./looptrace completion zsh > $@.new && mv $@.new $@
doc/man/looptrace.fish: looptrace$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) doc/man && ./looptrace completion fish > $@.new && mv $@.new $@
endif
