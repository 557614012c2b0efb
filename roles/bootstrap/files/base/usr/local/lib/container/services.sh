# shellcheck shell=sh
# What every service layer has in common. A layer (svc-<name>.sh) brings the functions
#   layer_adopt NAME     put the service into the scan directory, not started
#   layer_run            become the supervisor (exec)
#   layer_known NAME     true when the supervisor listens for this service
#   layer_state NAME     set ctr_state_is (up, down) and ctr_state_pid
#   layer_up, layer_down, layer_kill NAME...    tell it, without waiting
#   layer_leave          have the supervisor end
#   layer_owns PID       true for a helper of the supervisor, which needs no goodbye
# A file "stage" in /etc/service/<name> says base (stopped after the applications) or log (first up, last down).

stage_of() {
    ctr_stage=app
    [ ! -r "$container_service_directory/$1/stage" ] || read -r ctr_stage <"$container_service_directory/$1/stage"
}

# The names of this start, by stage; false when there is no service at all.
find_services() {
    ctr_app='' ctr_base='' ctr_log='' ctr_skipped=''
    for ctr_path in "$container_service_directory"/*/; do
        ctr_path=${ctr_path%/}
        ctr_name=${ctr_path##*/}
        if [ ! -e "$ctr_path/run" ]; then
            continue
        elif [ ! -x "$ctr_path/run" ]; then
            warn "service $ctr_name: $ctr_path/run is not executable, skipped"
        elif [ -e "$ctr_path/needs-root" ] && ! am_root; then
            ctr_skipped="$ctr_skipped $ctr_name"
        else
            stage_of "$ctr_name"
            case $ctr_stage in
                base) ctr_base="$ctr_base $ctr_name" ;;
                log) ctr_log="$ctr_log $ctr_name" ;;
                *) ctr_app="$ctr_app $ctr_name" ;;
            esac
        fi
    done
    [ -z "$ctr_skipped" ] || warn "running as uid $ctr_uid: services that need root are skipped:$ctr_skipped"
    [ -n "$ctr_app$ctr_base$ctr_log" ]
}

is_wanted() { [ ! -e "$container_service_directory/$1/down" ]; }

# The layer starts with everything down; then the log service, and once that listens all others.
start_services() {
    [ -n "${ctr_app+x}" ] && [ -z "$ctr_skip_services" ] || ctr_app='' ctr_base='' ctr_log=''
    # A signal to our group must not tear this apart; the trap sees it right afterwards.
    (
        trap '' TERM INT QUIT HUP USR1 USR2
        for ctr_name in $ctr_log $ctr_base $ctr_app; do
            layer_adopt "$ctr_name"
        done
    )
    layer_run </dev/null &
    ctr_layer=$!
    clock
    ctr_patience=$((ctr_clock + 200))
    for ctr_name in $ctr_log $ctr_base $ctr_app; do
        until_clock "$ctr_patience" is_settled "$ctr_name" || warn "service $ctr_name: its supervisor does not answer"
    done
    # shellcheck disable=SC2086
    raise $ctr_log
    for ctr_name in $ctr_log; do
        [ -z "$ctr_stop" ] || return 0
        ! is_wanted "$ctr_name" || until_clock "$ctr_patience" is_ready "$ctr_name" ||
            warn "service $ctr_name is not ready yet, going on"
    done
    # shellcheck disable=SC2086
    [ -n "$ctr_stop" ] || raise $ctr_base $ctr_app
}

# The supervisor listens for the service, or there is no point in waiting: a stop can hit it before its own session.
is_settled() {
    layer_known "$1" || { [ -n "$ctr_layer" ] && has_ended "$ctr_layer"; }
}

raise() {
    for ctr_name in "$@"; do
        if is_wanted "$ctr_name"; then
            rm -f "$ctr_scan/$ctr_name/down"
            layer_up "$ctr_name"
        fi
    done
}

# A service with an executable "check" is ready when that says so.
is_ready() {
    [ ! -x "$container_service_directory/$1/check" ] || "$container_service_directory/$1/check" >/dev/null 2>&1
}

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
    done
    layer_down "$@"
    until_clock "$ctr_until" all_down "$@" || kill_services "$@"
}

kill_services() {
    for ctr_name in "$@"; do
        layer_state "$ctr_name"
        if [ "$ctr_state_is" = up ]; then
            warn "service $ctr_name did not stop in time, killed"
            layer_kill "$ctr_name"
        fi
    done
    clock
    until_clock $((ctr_clock + 30)) all_down "$@" || :
}
