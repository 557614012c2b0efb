# shellcheck shell=sh
# Services up and down, whatever the layer.

# A second signal to our group must not tear apart what tells the layer.
sheltered() {
    (
        trap '' TERM INT QUIT HUP USR1 USR2
        "$@"
    )
}

# The supervisor listens for the service, or there is no point in waiting: a stop can hit it before its own session.
is_settled() {
    layer_known "$1" || { [ -n "$ctr_layer" ] && has_ended "$ctr_layer"; }
}

raise() {
    ctr_raised=
    for ctr_name in "$@"; do
        if is_wanted "$ctr_name"; then
            ctr_raised="$ctr_raised $ctr_name"
        fi
    done
    # shellcheck disable=SC2086
    [ -z "$ctr_raised" ] || bring_up $ctr_raised
}

bring_up() {
    for ctr_name in "$@"; do
        rm -f "$ctr_scan/$ctr_name/down" "$ctr_scan/$ctr_name/lowered"
    done
    sheltered layer_up "$@"
}

is_up() {
    layer_state "$1"
    [ "$ctr_state_is" = up ] && is_ready "$1"
}

# Ready is what has written to its notification-fd and agrees in "check"; what has neither is ready at once.
is_ready() {
    [ ! -e "$container_service_directory/$1/notification-fd" ] || layer_notified "$1" || return 1
    [ ! -x "$container_service_directory/$1/check" ] || "$container_service_directory/$1/check" >/dev/null 2>&1
}

was_notified() { [ -s "$ctr_scan/$1/notified" ]; }

all_down() {
    for ctr_name in "$@"; do
        layer_state "$ctr_name"
        [ "$ctr_state_is" = down ] || return 1
    done
}

# lower MOMENT NAME...: ask, wait until the moment, then kill what is left.
lower() {
    ctr_until=$1
    shift
    [ $# -gt 0 ] || return 0
    clock
    for ctr_name in "$@"; do
        until_clock $((ctr_clock + 100)) is_settled "$ctr_name" || :
        : >"$ctr_scan/$ctr_name/lowered"
    done
    sheltered layer_down "$@"
    until_clock "$ctr_until" all_down "$@" || kill_services "$@"
}

kill_services() {
    ctr_killed=
    for ctr_name in "$@"; do
        layer_state "$ctr_name"
        if [ "$ctr_state_is" = up ]; then
            warn "service $ctr_name did not stop in time, killed"
            ctr_killed="$ctr_killed $ctr_name"
        fi
    done
    # shellcheck disable=SC2086
    [ -z "$ctr_killed" ] || sheltered layer_kill $ctr_killed
    clock
    ctr_hurried=$ctr_hurry
    ctr_hurry=
    until_clock $((ctr_clock + 30)) all_down "$@" || :
    ctr_hurry=$ctr_hurried
}
