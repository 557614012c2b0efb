# shellcheck shell=sh
# The runit layer: one runsv per directory of the scan directory; supervise/ stays there, never in /etc.

# control/t runs in place of TERM; it is a link, because /run may be mounted noexec.
layer_adopt() {
    link_service "$1"
    if [ -r "$ctr_scan/$1/down-signal" ] && [ ! -e "$ctr_scan/$1/control" ]; then
        mkdir "$ctr_scan/$1/control"
        ln -s "$ctr_lib/service-down" "$ctr_scan/$1/control/t"
    fi
}

# runsvdir waits a second before it looks at a directory that changed within this second.
layer_run() {
    touch -d '2 seconds ago' "$ctr_scan"
    apart runsvdir -P "$ctr_scan"
}

layer_known() { [ -p "$ctr_scan/$1/supervise/ok" ] && [ -e "$ctr_scan/$1/supervise/stat" ]; }

layer_state() {
    ctr_state_is=down
    ctr_state_pid=-
    ctr_stat=
    { read -r ctr_stat <"$ctr_scan/$1/supervise/stat"; } 2>/dev/null || return 0
    case $ctr_stat in
        run*)
            ctr_state_is=up
            { read -r ctr_state_pid <"$ctr_scan/$1/supervise/pid"; } 2>/dev/null || ctr_state_pid=- ;;
        finish*) ctr_state_is=up ;;
    esac
}

layer_notified() { was_notified "$1"; }
layer_up() { tell_runit up "$@"; }
layer_down() { tell_runit down "$@"; }
layer_kill() { tell_runit kill "$@"; }
layer_leave() { kill -HUP "$ctr_layer" 2>/dev/null || :; }

layer_owns() {
    ctr_comm=
    { read -r ctr_comm <"/proc/$1/comm"; } 2>/dev/null || return 0
    [ "$ctr_comm" = runsv ]
}

tell_runit() {
    ctr_verb=$1
    shift
    for ctr_told in "$@"; do
        sv "$ctr_verb" "$ctr_scan/$ctr_told" >/dev/null || :
    done
}
