#!/bin/sh
# First program under the init: hooks, then services, then the command (or the services alone).
# Every name of its own begins with ctr_, because a shell hands a changed variable on to its children.
set -u # and traps at once: as PID 1 a shell without them is deaf
trap 'on_stop TERM 143' TERM
trap 'on_stop INT 130' INT
trap 'on_stop QUIT 131' QUIT
ctr_phase=boot ctr_child='' ctr_task=
# Until services run, a stop ends the start; while they start it is noted; afterwards it is carried out.
on_stop() {
    ctr_last=$?
    case $ctr_phase:$1 in
        boot:*) end_task "$1"; exit "$2" ;;
        starting:TERM) ctr_stop=$2; end_task TERM ;;
        starting:*) if [ -n "$ctr_child" ]; then pass_on "$1"; else ctr_stop=$2; end_task "$1"; fi ;;
        command:TERM) end_command; shut_down "${ctr_status:-$ctr_last}" ;;
        command:*) pass_on "$1" ;;
        services:*) shut_down 0 ;;
    esac
}

# A hook or a one-shot that we wait for.
end_task() { [ -z "$ctr_task" ] || kill "-$1" "$ctr_task" 2>/dev/null || :; }

ctr_lib=/usr/local/lib/container
. /etc/container-release
for ctr_part in common rundir boot env dump users hooks services "svc-$container_svc" steer order start command stop; do
    . "$ctr_lib/$ctr_part.sh"
done
for ctr_signal in HUP USR1 USR2 WINCH ALRM; do
    # shellcheck disable=SC2064
    trap "pass_on $ctr_signal" "$ctr_signal"
done
choose_run_directory
if [ -r "$ctr_lib/init.sh" ]; then
    . "$ctr_lib/init.sh"
    become_init "$@"
fi
trap on_exit EXIT
while [ $# -gt 0 ]; do
    case $1 in
        --skip-startup-files) ctr_skip_hooks=yes ;;
        --skip-runit | --skip-services) ctr_skip_services=yes ;;
        --no-kill-all-on-exit) ctr_kill_all= ;;
        --quiet) ctr_quiet=yes ;;
        --enable-insecure-key) ctr_insecure_key=yes ;;
        --) shift; break ;;
        -*)
            [ -n "${CONTAINER_DEFAULT_COMMAND-$container_default_command}" ] ||
                die 2 "unknown option $1 (set CONTAINER_DEFAULT_COMMAND to have options passed to a command)"
            # shellcheck disable=SC2086
            set -- ${CONTAINER_DEFAULT_COMMAND-$container_default_command} "$@"
            break ;;
        *) break ;;
    esac
    shift
done
[ $# -ne 1 ] || [ -n "$1" ] || shift

boot
[ -n "$ctr_skip_hooks" ] || run_startup_hooks

if [ -n "$ctr_skip_services" ] || ! find_services; then
    if [ $# -gt 0 ] && may_hand_over; then
        : >"$ctr_state/up"
        exec "$@"
    fi
fi

ctr_phase=starting
[ -n "${ctr_app+x}" ] && [ -z "$ctr_skip_services" ] || ctr_app='' ctr_base='' ctr_log='' ctr_once=''
# A signal to our group must not tear this apart; the trap sees it right afterwards.
# shellcheck disable=SC2086
sheltered adopt_services $ctr_log $ctr_base $ctr_app
[ $# -eq 0 ] || must_wait || run_command "$@"
[ -n "$ctr_skip_services" ] && [ $# -gt 0 ] || start_services
: >"$ctr_state/up"
if [ $# -eq 0 ]; then
    ctr_phase=services
    [ -z "$ctr_stop" ] || shut_down 0
    await "$ctr_layer"
    warn "the service layer $container_svc ended by itself"
    shut_down 1
fi
[ -n "$ctr_child$ctr_stop" ] || run_command "$@"
ctr_phase=command
[ -z "$ctr_stop" ] || { end_command; shut_down "$ctr_stop"; }
await "$ctr_child"
shut_down "$ctr_status"
