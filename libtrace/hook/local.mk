hook_sources = libtrace/hook/uv_map.h libtrace/hook/uv_alone.h \
	libtrace/hook/libc_map.h \
	libtrace/hook/real.h libtrace/hook/real.c libtrace/hook/whose.c \
	libtrace/hook/table.h libtrace/hook/table.c \
	libtrace/hook/scope.h libtrace/hook/scope.c libtrace/hook/fast.h \
	libtrace/hook/call.h libtrace/hook/call.c \
	libtrace/hook/fd.h libtrace/hook/fd.c \
	libtrace/hook/holder.h libtrace/hook/holder.c \
	libtrace/hook/uv_handle.c libtrace/hook/uv_request.c \
	libtrace/hook/uv_close.c libtrace/hook/uv_loop.c \
	libtrace/hook/foreign.h libtrace/hook/foreign.c \
	libtrace/hook/trial.h libtrace/hook/trial.c libtrace/hook/wait.c \
	libtrace/hook/libc.c libtrace/hook/libc_hand.c \
	libtrace/hook/expect.h libtrace/hook/expect.c \
	libtrace/hook/confine.c libtrace/hook/past.h libtrace/hook/past.c \
	libtrace/hook/hook.c
