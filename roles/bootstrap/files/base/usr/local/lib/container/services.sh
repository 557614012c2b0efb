# shellcheck shell=sh
# Which services there are, and a directory of each for the layer. A layer (svc-<name>.sh) brings the functions
#   layer_adopt NAME     have the service in the scan directory, not started
#   layer_run            become the supervisor (exec)
#   layer_known NAME     true when the supervisor listens for this service
#   layer_state NAME     set ctr_state_is (up, down) and ctr_state_pid
#   layer_notified NAME  true when the service has written to its notification-fd
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
    ctr_app='' ctr_base='' ctr_log='' ctr_once='' ctr_skipped=''
    for ctr_path in "$container_service_directory"/*/; do
        ctr_path=${ctr_path%/}
        ctr_name=${ctr_path##*/}
        if [ ! -e "$ctr_path/run" ]; then
            continue
        elif [ "$container_svc" = none ]; then
            warn "service $ctr_name: this image has no service layer, not started"
        elif can_run; then
            sort_in
        fi
    done
    [ -z "$ctr_skipped" ] || warn "running as uid $ctr_uid: services that need root are skipped:$ctr_skipped"
    [ -n "$ctr_app$ctr_base$ctr_log$ctr_once" ]
}

can_run() {
    case $ctr_name in
        *[!A-Za-z0-9_.@+-]*) warn "service '$ctr_name': a name has letters, digits and _.@+- only, skipped"; return 1 ;;
    esac
    if [ ! -x "$ctr_path/run" ]; then
        warn "service $ctr_name: $ctr_path/run is not executable, skipped"
        return 1
    elif [ -e "$ctr_path/needs-root" ] && ! am_root; then
        ctr_skipped="$ctr_skipped $ctr_name"
        return 1
    fi
}

sort_in() {
    if [ -e "$ctr_path/oneshot" ]; then
        ctr_once="$ctr_once $ctr_name"
        return 0
    fi
    stage_of "$ctr_name"
    case $ctr_stage in
        base) ctr_base="$ctr_base $ctr_name" ;;
        log) ctr_log="$ctr_log $ctr_name" ;;
        *) ctr_app="$ctr_app $ctr_name" ;;
    esac
}

is_wanted() { [ ! -e "$container_service_directory/$1/down" ]; }

# Its permanent failure ends the container.
is_essential() {
    case " ${CONTAINER_FAIL_ON-$container_fail_on} " in
        *" $1 "*) return 0 ;;
    esac
    return 1
}

# The service's directory below the scan directory: links, because /run may be mounted noexec; state stays in there.
link_service() {
    ctr_from=$container_service_directory/$1
    ctr_to=$ctr_scan/$1
    mkdir -p "$ctr_to"
    ln -sfn "$ctr_from"/* "$ctr_to/"
    rm -f "$ctr_to/supervise" "$ctr_to/event" "$ctr_to/log" "$ctr_to/down"
    if [ -x "$ctr_from/log/run" ]; then
        mkdir -p "$ctr_to/log"
        ln -sfn "$ctr_from/log"/* "$ctr_to/log/"
        rm -f "$ctr_to/log/supervise" "$ctr_to/log/event"
    fi
    if [ -n "${ctr_svscan-}" ] || [ -e "$ctr_from/user" ] || [ -e "$ctr_from/notification-fd" ]; then
        ln -sfn "$ctr_lib/service-run" "$ctr_to/run"
    fi
    if [ -x "$ctr_from/finish" ] || is_essential "$1"; then
        ln -sfn "$ctr_lib/service-finish" "$ctr_to/finish"
    fi
    : >"$ctr_to/down"
}
