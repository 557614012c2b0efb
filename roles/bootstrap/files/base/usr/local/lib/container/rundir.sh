# shellcheck shell=sh
# Where the state of the running container is kept.

# /run where it can be written, else a directory of our own in /tmp (arbitrary uid, read-only root).
choose_run_directory() {
    ctr_run=/run
    if ! [ -w /run ]; then
        ctr_run=/tmp/.container
        # shellcheck disable=SC3067
        mkdir -p "$ctr_run" 2>/dev/null && [ -O "$ctr_run" ] ||
            die 1 "nowhere to keep state: give the container a writable /run (--tmpfs /run) or /tmp"
    fi
    name_run_directories
}

make_run_directory() {
    umask 022
    rm -rf "$ctr_state" "$ctr_scan"
    mkdir -p "$ctr_state/environment" "$ctr_scan" || die 1 "cannot write to $ctr_run"
    touch -d '1 second ago' "$ctr_state/started"
}

# What a service or its finish needs to know of us, and a home for those who have none.
settle_in() {
    printf '%s\n' "$$" >"$ctr_state/entry"
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
