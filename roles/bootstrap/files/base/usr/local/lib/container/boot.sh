# shellcheck shell=sh
# What happens once, before the first hook.

# UMASK for everything that the container runs; files of our own have modes of theirs.
umask_boot() {
    [ -n "${UMASK-}" ] || return 0
    case $UMASK in
        *[!0-7]* | ?????*) die 1 "UMASK: '$UMASK' is not an octal number such as 022" ;;
    esac
    umask "$UMASK"
}

# Asked for with --enable-insecure-key, and only where the image was built to carry such a key's public half.
authorise_insecure_key() {
    if [ ! -r /etc/insecure_key.pub ]; then
        warn "--enable-insecure-key: this image has no /etc/insecure_key.pub, ignored"
        return 0
    fi
    warn "the insecure key may log in as root: never do this where others can reach the port"
    mkdir -p /root/.ssh
    chmod 700 /root/.ssh
    grep -qxF -f /etc/insecure_key.pub /root/.ssh/authorized_keys 2>/dev/null ||
        (umask 077 && cat /etc/insecure_key.pub >>/root/.ssh/authorized_keys)
}

boot() {
    [ -n "${ctr_svscan-}" ] || make_run_directory
    settle_in
    env_boot
    umask_boot
    users_boot
    [ -z "$ctr_insecure_key" ] || authorise_insecure_key
}

# The command replaces us where nobody waits for more: not as PID 1, which has orphans to collect.
may_hand_over() {
    [ $$ -ne 1 ] && [ -z "${ctr_svscan-}${CONTAINER_SUCCESS_EXIT_CODES-$container_success_exit_codes}" ] &&
        ! has_shutdown_hooks
}

# Statuses that the image calls a success; and the one that s6-svscan as PID 1 ends with.
on_exit() {
    ctr_last=$?
    case " ${CONTAINER_SUCCESS_EXIT_CODES-$container_success_exit_codes} " in
        *" $ctr_last "*) ctr_last=0 ;;
    esac
    [ -z "${ctr_svscan-}" ] || end_init "$ctr_last"
    exit "$ctr_last"
}
