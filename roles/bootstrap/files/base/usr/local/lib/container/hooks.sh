# shellcheck shell=sh
# Start-up and shutdown hooks: executable files, in byte order of their names.

# The paths in a directory, one a line, whatever locale the container was given.
in_order() {
    (
        set +f
        LC_ALL=C
        export LC_ALL
        for ctr_file in "$1"/*; do
            [ ! -f "$ctr_file" ] || printf '%s\n' "$ctr_file"
        done
    )
}

run_startup_hooks() {
    ctr_ifs_hooks=$IFS
    IFS=$ctr_newline
    set -f
    for ctr_hook in $(in_order "$container_init_directory") /etc/rc.local; do
        set +f
        IFS=$ctr_ifs_hooks
        run_startup_hook "$ctr_hook"
    done
    set +f
    IFS=$ctr_ifs_hooks
}

# In the background with a wait, so that a stop does not have to sit it out.
run_startup_hook() {
    if [ ! -x "$1" ]; then
        [ ! -e "$1" ] || warn "startup hook $1 is not executable, skipped"
        return 0
    fi
    say "running $1"
    undisturbed "$1" &
    ctr_task=$!
    await "$ctr_task"
    ctr_task=
    if [ "$ctr_status" -ne 0 ]; then
        [ "${CONTAINER_HOOK_FAILURE-$container_hook_failure}" = warn ] ||
            die "$ctr_status" "startup hook $1 failed with status $ctr_status"
        warn "startup hook $1 failed with status $ctr_status"
    fi
    env_refresh
}

has_shutdown_hooks() {
    [ -n "$(in_order "$container_init_directory_pre_shutdown")$(in_order "$container_init_directory_post_shutdown")" ]
}

# run_shutdown_hooks DIRECTORY MOMENT: a failing or slow one is reported and never stops the stop.
# Each has a session of its own, out of reach of a second signal to our group.
run_shutdown_hooks() {
    ctr_ifs_hooks=$IFS
    IFS=$ctr_newline
    for ctr_hook in $(in_order "$1"); do
        IFS=$ctr_ifs_hooks
        [ -x "$ctr_hook" ] || continue
        say "running $ctr_hook"
        apart "$ctr_hook" &
        ctr_pid=$!
        if until_clock "$2" has_ended "$ctr_pid"; then
            wait "$ctr_pid" || warn "shutdown hook $ctr_hook failed with status $?"
        else
            kill -KILL "-$ctr_pid" "$ctr_pid" 2>/dev/null
            warn "shutdown hook $ctr_hook took too long, killed"
        fi
    done
    IFS=$ctr_ifs_hooks
}
