# shellcheck shell=sh
# The command that the container was given.

# Whether services come first: one-shots, or where readiness is asked for. Else both start side by side.
must_wait() {
    ready_seconds
    [ "$ctr_ready_seconds" -gt 0 ] || [ -n "${ctr_once-}" ]
}

run_command() {
    exec 3<&0
    undisturbed "$@" <&3 3<&- &
    ctr_child=$!
    exec 3<&-
}

# The inits that signal the whole group have told the command already; any other parent told only us.
pass_on() {
    [ -z "$ctr_grouped" ] && [ -n "$ctr_child" ] || return 0
    kill "-$1" "$ctr_child" 2>/dev/null || :
}

# A service that failed for good told only us as well.
end_command() {
    if [ -s "$ctr_state/failed" ]; then
        [ -z "$ctr_child" ] || kill -TERM "$ctr_child" 2>/dev/null || :
    else
        pass_on TERM
    fi
}

# A stop, or the end of the command, while services are still starting.
is_cut_short() {
    [ -n "$ctr_stop" ] || { [ -n "$ctr_child" ] && has_ended "$ctr_child"; }
}
