# shellcheck shell=sh
# Messages, time, and where the state of the running container is kept.
ctr_phase=boot
ctr_child=
ctr_layer=
ctr_stop=
ctr_status=
ctr_skip_hooks=
ctr_skip_services=
ctr_insecure_key=
ctr_kill_all=yes
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
        [ "$ctr_clock" -lt "$ctr_moment" ] || return 1
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

# Run a program with every signal at its default: what a shell starts with & ignores INT and QUIT.
undisturbed() {
    if env --default-signal true 2>/dev/null; then
        exec env --default-signal "$@"
    elif command -v perl >/dev/null; then
        # shellcheck disable=SC2016
        exec perl -e '$SIG{$_} = "DEFAULT" for qw(INT QUIT TERM HUP USR1 USR2); exec {$ARGV[0]} @ARGV; exit 127' -- "$@"
    fi
    exec "$@"
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

# /run where it can be written, else a directory of our own in /tmp (arbitrary uid, read-only root).
choose_run_directory() {
    umask 022
    ctr_run=/run
    if ! [ -w /run ]; then
        ctr_run=/tmp/.container
        # shellcheck disable=SC3067
        mkdir -p "$ctr_run" 2>/dev/null && [ -O "$ctr_run" ] ||
            die 1 "nowhere to keep state: give the container a writable /run (--tmpfs /run) or /tmp"
    fi
    name_run_directories
    rm -rf "$ctr_state" "$ctr_scan"
    mkdir -p "$ctr_state/environment" "$ctr_scan" || die 1 "cannot write to $ctr_run"
    touch -d '1 second ago' "$ctr_state/started"
    if ! am_root && ! [ -w "${HOME:-/}" ]; then
        export HOME=/tmp
    fi
}

name_run_directories() {
    ctr_state=$ctr_run/container
    ctr_scan=$ctr_run/service
}

# For programs that come later (docker exec, cron): the directory that the entry has chosen.
find_run_directory() {
    for ctr_run in /run /tmp/.container; do
        name_run_directories
        [ ! -e "$ctr_state/started" ] || return 0
    done
    return 1
}
