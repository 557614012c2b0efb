# shellcheck shell=sh
# The way down: pre hooks, command, applications, base services, log, post hooks. Everything is bounded.

stop_budget() {
    ctr_budget=${CONTAINER_STOP_TIMEOUT-${KILL_PROCESS_TIMEOUT-$container_stop_timeout}}
    case $ctr_budget in
        '' | *[!0-9]* | ????*)
            warn "CONTAINER_STOP_TIMEOUT: '$ctr_budget' is not a number of seconds, using $container_stop_timeout"
            ctr_budget=$container_stop_timeout ;;
    esac
    ctr_budget=$((ctr_budget * 100))
}

# A second signal changes nothing; with the third nothing is waited for any more.
on_another_signal() {
    ctr_signals=$((ctr_signals + 1))
    [ "$ctr_signals" -lt 2 ] || ctr_hurry=yes
}

# shut_down STATUS: never returns. STATUS counts unless a command is still to be asked for its own.
shut_down() {
    ctr_signals=0
    trap on_another_signal TERM INT QUIT
    trap '' HUP USR1 USR2 WINCH ALRM
    ctr_phase=stopping
    ctr_exit=$1
    stop_budget
    clock
    ctr_begun=$ctr_clock
    ctr_limit=$((ctr_begun + ctr_budget + 100))
    run_shutdown_hooks "$container_init_directory_pre_shutdown" $((ctr_begun + 200))
    clock
    [ $((ctr_clock + ctr_budget)) -gt "$ctr_limit" ] || ctr_limit=$((ctr_clock + ctr_budget))
    stop_command
    [ -z "$ctr_layer" ] || stop_services
    run_shutdown_hooks "$container_init_directory_post_shutdown" $((ctr_begun + ctr_budget + 350))
    [ -z "$ctr_kill_all" ] || stop_leftovers
    [ ! -s "$ctr_state/failed" ] || read -r ctr_exit <"$ctr_state/failed"
    exit "$ctr_exit"
}

# The shell may have collected the command meanwhile, it keeps the status for us; asked twice it says 127.
stop_command() {
    [ -n "$ctr_child" ] || return 0
    if ! until_clock "$ctr_limit" has_ended "$ctr_child"; then
        warn "the command did not stop in time, killed"
        kill -KILL "$ctr_child" 2>/dev/null
    fi
    wait "$ctr_child" 2>/dev/null
    ctr_status=$?
    [ "$ctr_status" -eq 127 ] || ctr_exit=$ctr_status
}

# shellcheck disable=SC2086
stop_services() {
    if [ -n "${ctr_nothing_up-}" ]; then
        kill -KILL "-$ctr_layer" "$ctr_layer" 2>/dev/null
        return 0
    fi
    clock
    [ "$ctr_limit" -gt $((ctr_clock + 100)) ] || ctr_limit=$((ctr_clock + 100))
    lower "$ctr_limit" $ctr_app
    clock
    lower $((ctr_clock + 50)) $ctr_base
    clock
    lower $((ctr_clock + 50)) $ctr_log
    sheltered layer_leave
    clock
    [ "$ctr_limit" -gt $((ctr_clock + 50)) ] || ctr_limit=$((ctr_clock + 50))
    until_clock "$ctr_limit" has_ended "$ctr_layer" || kill -KILL "$ctr_layer" 2>/dev/null
}

# Whatever else runs in the container gets TERM and a moment; not where PID 1 and its processes are another's
# (--pid=host, a shared namespace): then PID 1 lives among other mounts than we do.
stop_leftovers() {
    # shellcheck disable=SC3013
    [ /proc/1/ns/mnt -ef /proc/self/ns/mnt ] && ! is_alone || return 0
    kill -TERM -1 2>/dev/null
    clock
    until_clock $((ctr_clock + 100)) is_alone || :
}

is_alone() {
    for ctr_path in /proc/[0-9]*; do
        case ${ctr_path#/proc/} in
            1 | "$$" | "$PPID") ;;
            *) has_ended "${ctr_path#/proc/}" || layer_owns "${ctr_path#/proc/}" || return 1 ;;
        esac
    done
}
