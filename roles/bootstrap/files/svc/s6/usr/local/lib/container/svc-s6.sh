# shellcheck shell=sh
# The s6 layer: a bare s6-svscan over the scan directory. With s6-init it is PID 1 and runs already, see init.sh.

# timeout-kill is for those who stop a service with s6-svc; our own stop has a clock of its own.
layer_adopt() {
    link_service "$1"
    rm -f "$ctr_scan/$1/timeout-kill"
    stop_budget
    printf '%s000\n' "$((ctr_budget / 100))" >"$ctr_scan/$1/timeout-kill"
}

# PID 1 is told to look again; what then stands for the layer only waits to be told to go.
layer_run() {
    if [ -n "${ctr_svscan-}" ]; then
        (mask=$(umask) && umask 077 && { echo "umask $mask"; export -p; } >"$ctr_state/inherit.sh")
        s6-svscanctl -a "$ctr_scan"
        apart sleep 2147483647
    fi
    apart s6-svscan "$ctr_scan"
}

layer_known() { s6-svok "$ctr_scan/$1"; }

# "down" and "ready" together: its finish has ended too.
layer_state() {
    ctr_state_is=down
    ctr_state_pid=-
    ctr_stat=$(trap '' TERM INT QUIT HUP; s6-svstat "$ctr_scan/$1" 2>/dev/null) || return 0
    case $ctr_stat in
        'up (pid '*)
            ctr_state_is=up
            ctr_state_pid=${ctr_stat#'up (pid '}
            ctr_state_pid=${ctr_state_pid%%[!0-9]*} ;;
        down*', ready '*) ;;
        *) ctr_state_is=up ;;
    esac
}

layer_notified() {
    case $(s6-svstat "$ctr_scan/$1" 2>/dev/null) in
        up*', ready '*) return 0 ;;
    esac
    return 1
}

layer_up() { tell_s6 -u "$@"; }
layer_down() { tell_s6 -d "$@"; }
layer_kill() { tell_s6 -k "$@"; }
layer_leave() { kill -TERM "$ctr_layer" 2>/dev/null || :; }

layer_owns() {
    ctr_comm=
    { read -r ctr_comm <"/proc/$1/comm"; } 2>/dev/null || return 0
    case $ctr_comm in
        s6-supervise | s6-svscan) return 0 ;;
    esac
    return 1
}

tell_s6() {
    ctr_verb=$1
    shift
    for ctr_told in "$@"; do
        s6-svc "$ctr_verb" "$ctr_scan/$ctr_told" || :
    done
}
