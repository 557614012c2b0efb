# shellcheck shell=sh
# Messages, time, and programs with clean signals.
ctr_phase=boot
ctr_child=
ctr_task=
ctr_layer=
ctr_stop=
ctr_status=
ctr_skip_hooks=
ctr_skip_services=
ctr_insecure_key=
ctr_kill_all=yes
ctr_hurry=
ctr_quiet=${CONTAINER_QUIET-}
ctr_newline='
'

case $(cat "/proc/$PPID/comm" 2>/dev/null) in
    tini | dumb-init | catatonit) ctr_grouped=yes ;;
    *) ctr_grouped= ;;
esac

say() { [ -n "$ctr_quiet" ] || printf 'container: %s\n' "$*" >&2; }
warn() { printf 'container: warning: %s\n' "$*" >&2; }
die() {
    ctr_status=$1
    shift
    printf 'container: error: %s\n' "$*" >&2
    exit "$ctr_status"
}

am_root() { [ "${ctr_uid:=$(id -u)}" -eq 0 ]; }

# Hundredths of a second since the machine started, in ctr_clock: no process needed.
clock() {
    read -r ctr_up _ </proc/uptime
    ctr_clock=$((${ctr_up%.*} * 100 + 1${ctr_up#*.} - 100))
}

# Repeat a test every 20 ms until it holds or the clock passes the given moment.
until_clock() {
    ctr_moment=$1
    shift
    until "$@"; do
        clock
        [ "$ctr_clock" -lt "$ctr_moment" ] && [ -z "$ctr_hurry" ] || return 1
        sleep 0.02
    done
}

# Gone, or dead and waiting for us to collect it.
has_ended() {
    ctr_stat=
    read -r ctr_stat 2>/dev/null <"/proc/$1/stat" || return 0
    case ${ctr_stat##*) } in
        Z* | X*) return 0 ;;
    esac
    return 1
}

# Whether env can reset signals, found out once.
ctr_reset=$(env --default-signal echo yes 2>/dev/null)

# Run a program with every signal at its default: what a shell starts with & ignores INT and QUIT.
undisturbed() {
    # shellcheck disable=SC2086
    if [ -n "$ctr_reset" ]; then
        exec ${ctr_session-} env --default-signal "$@"
    elif command -v perl >/dev/null; then
        # shellcheck disable=SC2016
        exec ${ctr_session-} \
            perl -e '$SIG{$_} = "DEFAULT" for keys %SIG; exec {$ARGV[0]} @ARGV; exit 127' -- "$@"
    fi
    exec ${ctr_session-} "$@"
}

# The same in a session of its own, and out of reach of signals to our group from the first moment on.
apart() {
    trap '' TERM INT QUIT HUP USR1 USR2
    ctr_session=setsid
    undisturbed "$@"
}

# Wait for a child through any number of trapped signals; its status is in ctr_status.
await() {
    while :; do
        ctr_status=
        wait "$1" 2>/dev/null
        ctr_status=$?
        [ "$ctr_status" -gt 128 ] && kill -0 "$1" 2>/dev/null || return 0
    done
}
