# shellcheck shell=sh
# Waiting for services: those that others depend on, and all of them before the command.

# One look at what still waits: start whatever has its dependencies. True when nothing waits any more.
raise_next() {
    ! is_cut_short || return 0
    ctr_still=
    for ctr_each in $ctr_waiting; do
        if has_dependencies "$ctr_each"; then
            raise "$ctr_each"
        else
            ctr_still="$ctr_still $ctr_each"
        fi
    done
    ctr_waiting=$ctr_still
    [ -z "$ctr_waiting" ]
}

has_dependencies() {
    while read -r ctr_needed; do
        case $ctr_needed in
            '' | '#'*) continue ;;
        esac
        [ -d "$ctr_scan/$ctr_needed" ] && is_up "$ctr_needed" || return 1
    done <"$container_service_directory/$1/depends"
}

start_anyway() {
    warn "what these depend on is not ready in $ctr_ready_seconds s, starting them anyway:$ctr_waiting"
    # shellcheck disable=SC2086
    raise $ctr_waiting
}

# With a time-out set, the command waits for all services; without, services and command start side by side.
await_ready() {
    ready_seconds
    [ "$ctr_ready_seconds" -gt 0 ] || return 0
    clock
    until_clock $((ctr_clock + ctr_ready_seconds * 100)) all_ready && return 0
    [ -z "$ctr_stop" ] || return 0
    warn "not ready in $ctr_ready_seconds s:$ctr_unready"
    shut_down 1
}

all_ready() {
    [ -z "$ctr_stop" ] || return 0
    ctr_unready=
    for ctr_each in $ctr_log $ctr_base $ctr_app; do
        ! is_wanted "$ctr_each" || is_up "$ctr_each" || ctr_unready="$ctr_unready $ctr_each"
    done
    [ -z "$ctr_unready" ]
}
