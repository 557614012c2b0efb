# shellcheck shell=sh
# The way up: the layer with everything down, the log service, one-shots, then all others in the order of "depends".

start_services() {
    layer_run </dev/null &
    ctr_layer=$!
    clock
    ctr_patience=$((ctr_clock + 500))
    for ctr_each in $ctr_log $ctr_base $ctr_app; do
        until_clock "$ctr_patience" is_settled_or_cut "$ctr_each" ||
            warn "service $ctr_each: its supervisor does not answer"
    done
    if is_cut_short; then
        ctr_nothing_up=yes
        return 0
    fi
    raise_logs
    is_cut_short || run_oneshots
    # shellcheck disable=SC2086
    is_cut_short || raise_in_order $ctr_base $ctr_app
    is_cut_short || await_ready
}

is_settled_or_cut() { is_cut_short || is_settled "$1"; }
is_ready_or_cut() { is_cut_short || is_ready "$1"; }

adopt_services() {
    for ctr_each in "$@"; do
        layer_adopt "$ctr_each"
    done
}

raise_logs() {
    # shellcheck disable=SC2086
    raise $ctr_log
    clock
    ctr_patience=$((ctr_clock + 200))
    for ctr_each in $ctr_log; do
        ! is_wanted "$ctr_each" || until_clock "$ctr_patience" is_ready_or_cut "$ctr_each" ||
            warn "service $ctr_each is not ready yet, going on"
    done
}

# A service with a file "oneshot" runs once, to its end, before the others; it fails like a start-up hook.
run_oneshots() {
    for ctr_each in $ctr_once; do
        [ -z "$ctr_stop" ] || return 0
        is_wanted "$ctr_each" || continue
        say "running service $ctr_each once"
        set -- "$container_service_directory/$ctr_each/run"
        if [ -r "${1%/run}/user" ]; then
            read -r ctr_user <"${1%/run}/user"
            set -- setuser "$ctr_user" "$1"
        fi
        undisturbed "$@" </dev/null &
        ctr_task=$!
        await "$ctr_task"
        ctr_task=
        [ "$ctr_status" -eq 0 ] || give_up_start "service $ctr_each, to be run once, failed with status $ctr_status"
    done
}

give_up_start() {
    warn "$1"
    [ -n "$ctr_stop" ] || [ "${CONTAINER_HOOK_FAILURE-$container_hook_failure}" = warn ] || shut_down "$ctr_status"
}

ready_seconds() {
    ctr_ready_seconds=${CONTAINER_READY_TIMEOUT-$container_ready_timeout}
    case $ctr_ready_seconds in
        '' | *[!0-9]* | ?????*)
            warn "CONTAINER_READY_TIMEOUT: '$ctr_ready_seconds' is not a number of seconds, not waiting"
            ctr_ready_seconds=0 ;;
    esac
}

# What names others in "depends" starts when these are ready; the rest at once.
raise_in_order() {
    ctr_waiting=
    ctr_free=
    for ctr_each in "$@"; do
        if [ -e "$container_service_directory/$ctr_each/depends" ] && is_wanted "$ctr_each"; then
            ctr_waiting="$ctr_waiting $ctr_each"
        else
            ctr_free="$ctr_free $ctr_each"
        fi
    done
    # shellcheck disable=SC2086
    raise $ctr_free
    ready_seconds
    [ "$ctr_ready_seconds" -gt 0 ] || ctr_ready_seconds=10
    clock
    until_clock $((ctr_clock + ctr_ready_seconds * 100)) raise_next ||
        { is_cut_short || start_anyway; }
}
