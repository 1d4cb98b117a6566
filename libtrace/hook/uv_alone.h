/* The functions of libuv that are left alone, each with the reason.
 *
 * With uv_map.h these are all that libuv exports, up to 1.52; what an installed
 * libuv has and neither names fails tests/programs/test_tables.py.  X(reason,
 * name):
 *
 * QUICK  asks, sets or makes something and returns: it neither waits nor
 *        calls back.
 * STOPS  disarms a handle: its callback merely does not come; the task goes
 *        on until the close.
 * LATER  what it causes is seen in what follows: a callback with
 *        UV_ECANCELED, the end of uv_run.
 * BELOW  where it waits, which is seldom, it does so in a function of libc that
 *        is interposed itself, and is a CALL of that, made in libuv. */
#ifndef LTI_UV_ALONE_H
#define LTI_UV_ALONE_H

#define LTI_UV_QUICK(X)                                                        \
  X(QUICK, uv_available_parallelism)                                           \
  X(QUICK, uv_backend_timeout)                                                 \
  X(QUICK, uv_barrier_destroy)                                                 \
  X(QUICK, uv_barrier_init)                                                    \
  X(QUICK, uv_buf_init)                                                        \
  X(QUICK, uv_check_init)                                                      \
  X(QUICK, uv_clock_gettime)                                                   \
  X(QUICK, uv_cond_broadcast)                                                  \
  X(QUICK, uv_cond_destroy)                                                    \
  X(QUICK, uv_cond_init)                                                       \
  X(QUICK, uv_cond_signal)                                                     \
  X(QUICK, uv_cpumask_size)                                                    \
  X(QUICK, uv_default_loop)                                                    \
  X(QUICK, uv_disable_stdio_inheritance)                                       \
  X(QUICK, uv_dlclose)                                                         \
  X(QUICK, uv_dlerror)                                                         \
  X(QUICK, uv_dlsym)                                                           \
  X(QUICK, uv_err_name)                                                        \
  X(QUICK, uv_err_name_r)                                                      \
  X(QUICK, uv_fileno)                                                          \
  X(QUICK, uv_free_cpu_info)                                                   \
  X(QUICK, uv_free_interface_addresses)                                        \
  X(QUICK, uv_freeaddrinfo)                                                    \
  X(QUICK, uv_fs_event_getpath)                                                \
  X(QUICK, uv_fs_event_init)                                                   \
  X(QUICK, uv_fs_get_path)                                                     \
  X(QUICK, uv_fs_get_ptr)                                                      \
  X(QUICK, uv_fs_get_result)                                                   \
  X(QUICK, uv_fs_get_statbuf)                                                  \
  X(QUICK, uv_fs_get_system_error)                                             \
  X(QUICK, uv_fs_get_type)                                                     \
  X(QUICK, uv_fs_poll_getpath)                                                 \
  X(QUICK, uv_fs_poll_init)                                                    \
  X(QUICK, uv_fs_req_cleanup)                                                  \
  X(QUICK, uv_fs_scandir_next)                                                 \
  X(QUICK, uv_get_available_memory)                                            \
  X(QUICK, uv_get_constrained_memory)                                          \
  X(QUICK, uv_get_free_memory)                                                 \
  X(QUICK, uv_get_osfhandle)                                                   \
  X(QUICK, uv_get_process_title)                                               \
  X(QUICK, uv_get_total_memory)                                                \
  X(QUICK, uv_getrusage)                                                       \
  X(QUICK, uv_getrusage_thread)                                                \
  X(QUICK, uv_gettimeofday)                                                    \
  X(QUICK, uv_guess_handle)                                                    \
  X(QUICK, uv_handle_get_data)                                                 \
  X(QUICK, uv_handle_get_loop)                                                 \
  X(QUICK, uv_handle_get_type)                                                 \
  X(QUICK, uv_handle_set_data)                                                 \
  X(QUICK, uv_handle_size)                                                     \
  X(QUICK, uv_handle_type_name)                                                \
  X(QUICK, uv_has_ref)                                                         \
  X(QUICK, uv_hrtime)                                                          \
  X(QUICK, uv_idle_init)                                                       \
  X(QUICK, uv_if_indextoiid)                                                   \
  X(QUICK, uv_if_indextoname)                                                  \
  X(QUICK, uv_inet_ntop)                                                       \
  X(QUICK, uv_inet_pton)                                                       \
  X(QUICK, uv_ip4_addr)                                                        \
  X(QUICK, uv_ip4_name)                                                        \
  X(QUICK, uv_ip6_addr)                                                        \
  X(QUICK, uv_ip6_name)                                                        \
  X(QUICK, uv_ip_name)                                                         \
  X(QUICK, uv_is_closing)                                                      \
  X(QUICK, uv_is_readable)                                                     \
  X(QUICK, uv_is_writable)                                                     \
  X(QUICK, uv_key_create)                                                      \
  X(QUICK, uv_key_delete)                                                      \
  X(QUICK, uv_key_get)                                                         \
  X(QUICK, uv_key_set)                                                         \
  X(QUICK, uv_kill)                                                            \
  X(QUICK, uv_loop_alive)                                                      \
  X(QUICK, uv_loop_configure)                                                  \
  X(QUICK, uv_loop_fork)                                                       \
  X(QUICK, uv_loop_get_data)                                                   \
  X(QUICK, uv_loop_init)                                                       \
  X(QUICK, uv_loop_new)                                                        \
  X(QUICK, uv_loop_set_data)                                                   \
  X(QUICK, uv_loop_size)                                                       \
  X(QUICK, uv_metrics_idle_time)                                               \
  X(QUICK, uv_metrics_info)                                                    \
  X(QUICK, uv_mutex_destroy)                                                   \
  X(QUICK, uv_mutex_init)                                                      \
  X(QUICK, uv_mutex_init_recursive)                                            \
  X(QUICK, uv_mutex_trylock)                                                   \
  X(QUICK, uv_mutex_unlock)                                                    \
  X(QUICK, uv_open_osfhandle)                                                  \
  X(QUICK, uv_os_environ)                                                      \
  X(QUICK, uv_os_free_environ)                                                 \
  X(QUICK, uv_os_free_group)                                                   \
  X(QUICK, uv_os_free_passwd)                                                  \
  X(QUICK, uv_os_getenv)                                                       \
  X(QUICK, uv_os_gethostname)                                                  \
  X(QUICK, uv_os_getpid)                                                       \
  X(QUICK, uv_os_getppid)                                                      \
  X(QUICK, uv_os_getpriority)                                                  \
  X(QUICK, uv_os_setenv)                                                       \
  X(QUICK, uv_os_setpriority)                                                  \
  X(QUICK, uv_os_uname)                                                        \
  X(QUICK, uv_os_unsetenv)                                                     \
  X(QUICK, uv_pipe)                                                            \
  X(QUICK, uv_pipe_bind)                                                       \
  X(QUICK, uv_pipe_bind2)                                                      \
  X(QUICK, uv_pipe_getpeername)                                                \
  X(QUICK, uv_pipe_getsockname)                                                \
  X(QUICK, uv_pipe_init)                                                       \
  X(QUICK, uv_pipe_open)                                                       \
  X(QUICK, uv_pipe_pending_count)                                              \
  X(QUICK, uv_pipe_pending_instances)                                          \
  X(QUICK, uv_pipe_pending_type)                                               \
  X(QUICK, uv_poll_init)                                                       \
  X(QUICK, uv_poll_init_socket)                                                \
  X(QUICK, uv_prepare_init)                                                    \
  X(QUICK, uv_process_get_pid)                                                 \
  X(QUICK, uv_process_kill)                                                    \
  X(QUICK, uv_recv_buffer_size)                                                \
  X(QUICK, uv_ref)                                                             \
  X(QUICK, uv_replace_allocator)                                               \
  X(QUICK, uv_req_get_data)                                                    \
  X(QUICK, uv_req_get_type)                                                    \
  X(QUICK, uv_req_set_data)                                                    \
  X(QUICK, uv_req_size)                                                        \
  X(QUICK, uv_req_type_name)                                                   \
  X(QUICK, uv_rwlock_destroy)                                                  \
  X(QUICK, uv_rwlock_init)                                                     \
  X(QUICK, uv_rwlock_rdunlock)                                                 \
  X(QUICK, uv_rwlock_tryrdlock)                                                \
  X(QUICK, uv_rwlock_trywrlock)                                                \
  X(QUICK, uv_rwlock_wrunlock)                                                 \
  X(QUICK, uv_sem_destroy)                                                     \
  X(QUICK, uv_sem_init)                                                        \
  X(QUICK, uv_sem_post)                                                        \
  X(QUICK, uv_sem_trywait)                                                     \
  X(QUICK, uv_send_buffer_size)                                                \
  X(QUICK, uv_set_process_title)                                               \
  X(QUICK, uv_setup_args)                                                      \
  X(QUICK, uv_signal_init)                                                     \
  X(QUICK, uv_socketpair)                                                      \
  X(QUICK, uv_stream_get_write_queue_size)                                     \
  X(QUICK, uv_strerror)                                                        \
  X(QUICK, uv_strerror_r)                                                      \
  X(QUICK, uv_tcp_bind)                                                        \
  X(QUICK, uv_tcp_getpeername)                                                 \
  X(QUICK, uv_tcp_getsockname)                                                 \
  X(QUICK, uv_tcp_init)                                                        \
  X(QUICK, uv_tcp_init_ex)                                                     \
  X(QUICK, uv_tcp_keepalive)                                                   \
  X(QUICK, uv_tcp_keepalive_ex)                                                \
  X(QUICK, uv_tcp_nodelay)                                                     \
  X(QUICK, uv_tcp_open)                                                        \
  X(QUICK, uv_tcp_simultaneous_accepts)                                        \
  X(QUICK, uv_thread_detach)                                                   \
  X(QUICK, uv_thread_equal)                                                    \
  X(QUICK, uv_thread_getaffinity)                                              \
  X(QUICK, uv_thread_getcpu)                                                   \
  X(QUICK, uv_thread_getname)                                                  \
  X(QUICK, uv_thread_getpriority)                                              \
  X(QUICK, uv_thread_self)                                                     \
  X(QUICK, uv_thread_setaffinity)                                              \
  X(QUICK, uv_thread_setname)                                                  \
  X(QUICK, uv_thread_setpriority)                                              \
  X(QUICK, uv_timer_init)                                                      \
  X(QUICK, uv_timer_set_repeat)                                                \
  X(QUICK, uv_translate_sys_error)                                             \
  X(QUICK, uv_tty_get_vterm_state)                                             \
  X(QUICK, uv_tty_get_winsize)                                                 \
  X(QUICK, uv_tty_init)                                                        \
  X(QUICK, uv_tty_reset_mode)                                                  \
  X(QUICK, uv_tty_set_mode)                                                    \
  X(QUICK, uv_tty_set_vterm_state)                                             \
  X(QUICK, uv_udp_bind)                                                        \
  X(QUICK, uv_udp_connect)                                                     \
  X(QUICK, uv_udp_get_send_queue_count)                                        \
  X(QUICK, uv_udp_get_send_queue_size)                                         \
  X(QUICK, uv_udp_getpeername)                                                 \
  X(QUICK, uv_udp_getsockname)                                                 \
  X(QUICK, uv_udp_init)                                                        \
  X(QUICK, uv_udp_init_ex)                                                     \
  X(QUICK, uv_udp_open)                                                        \
  X(QUICK, uv_udp_set_broadcast)                                               \
  X(QUICK, uv_udp_set_membership)                                              \
  X(QUICK, uv_udp_set_multicast_interface)                                     \
  X(QUICK, uv_udp_set_multicast_loop)                                          \
  X(QUICK, uv_udp_set_multicast_ttl)                                           \
  X(QUICK, uv_udp_set_source_membership)                                       \
  X(QUICK, uv_udp_set_ttl)                                                     \
  X(QUICK, uv_udp_using_recvmmsg)                                              \
  X(QUICK, uv_unref)                                                           \
  X(QUICK, uv_update_time)                                                     \
  X(QUICK, uv_utf16_length_as_wtf8)                                            \
  X(QUICK, uv_utf16_to_wtf8)                                                   \
  X(QUICK, uv_version)                                                         \
  X(QUICK, uv_wtf8_length_as_utf16)                                            \
  X(QUICK, uv_wtf8_to_utf16)

#define LTI_UV_STOPS(X)                                                        \
  X(STOPS, uv_check_stop)                                                      \
  X(STOPS, uv_fs_event_stop)                                                   \
  X(STOPS, uv_fs_poll_stop)                                                    \
  X(STOPS, uv_idle_stop)                                                       \
  X(STOPS, uv_poll_stop)                                                       \
  X(STOPS, uv_prepare_stop)                                                    \
  X(STOPS, uv_read_stop)                                                       \
  X(STOPS, uv_signal_stop)                                                     \
  X(STOPS, uv_timer_stop)                                                      \
  X(STOPS, uv_udp_recv_stop)

#define LTI_UV_LATER(X)                                                        \
  X(LATER, uv_cancel)                                                          \
  X(LATER, uv_stop)

#define LTI_UV_BELOW(X)                                                        \
  X(BELOW, uv_accept)                                                          \
  X(BELOW, uv_chdir)                                                           \
  X(BELOW, uv_cpu_info)                                                        \
  X(BELOW, uv_cwd)                                                             \
  X(BELOW, uv_dlopen)                                                          \
  X(BELOW, uv_exepath)                                                         \
  X(BELOW, uv_interface_addresses)                                             \
  X(BELOW, uv_library_shutdown)                                                \
  X(BELOW, uv_loadavg)                                                         \
  X(BELOW, uv_once)                                                            \
  X(BELOW, uv_os_get_group)                                                    \
  X(BELOW, uv_os_get_passwd2)                                                  \
  X(BELOW, uv_os_tmpdir)                                                       \
  X(BELOW, uv_pipe_chmod)                                                      \
  X(BELOW, uv_print_active_handles)                                            \
  X(BELOW, uv_print_all_handles)                                               \
  X(BELOW, uv_resident_set_memory)                                             \
  X(BELOW, uv_stream_set_blocking)                                             \
  X(BELOW, uv_thread_create)                                                   \
  X(BELOW, uv_thread_create_ex)                                                \
  X(BELOW, uv_try_write2)                                                      \
  X(BELOW, uv_udp_try_send2)                                                   \
  X(BELOW, uv_uptime)

#define LTI_UV_ALONE(X)                                                        \
  LTI_UV_QUICK(X)                                                              \
  LTI_UV_STOPS(X)                                                              \
  LTI_UV_LATER(X)                                                              \
  LTI_UV_BELOW(X)

#endif
