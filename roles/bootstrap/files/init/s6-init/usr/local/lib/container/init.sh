# shellcheck shell=sh
# s6-init: s6-svscan becomes PID 1, over the scan directory of the services; the entry script goes on as its child.
# Signals arrive blocked (env --block-signal in the image's ENTRYPOINT) until this script has its traps; whoever else
# runs is started with all of them at their default.

ctr_svscan=${CTR_SVSCAN-}
unset CTR_SVSCAN

become_init() {
    if [ "$ctr_svscan" = yes ]; then
        printf '%s\n' "$$" >"$ctr_state/entry"
    elif [ "$ctr_svscan" = no ]; then
        ctr_svscan=
    elif [ $$ -ne 1 ] || skips_services "$@"; then
        CTR_SVSCAN=no undisturbed /docker-entrypoint.sh "$@"
    else
        make_run_directory
        become_svscan "$@"
    fi
}

# Without services there is nothing to scan, and the entry script stays PID 1.
skips_services() {
    for ctr_arg in "$@"; do
        case $ctr_arg in
            --skip-runit | --skip-services) return 0 ;;
            --) return 1 ;;
            -*) ;;
            *) return 1 ;;
        esac
    done
    return 1
}

become_svscan() {
    mkdir -p "$ctr_scan/.s6-svscan"
    for ctr_signal in HUP INT QUIT TERM USR1 USR2 WINCH; do
        ln -s "$ctr_lib/init-signal" "$ctr_scan/.s6-svscan/SIG$ctr_signal"
    done
    ln -s "$ctr_lib/init-finish" "$ctr_scan/.s6-svscan/finish"
    (umask 077 && cat /proc/1/environ >"$ctr_state/environ")
    exec 3<&0
    CTR_SVSCAN=yes undisturbed /docker-entrypoint.sh "$@" <&3 3<&- &
    exec 3<&-
    exec s6-svscan "$ctr_scan" </dev/null
}

# The last word of the entry script: its status, and that s6-svscan may end.
end_init() {
    printf '%s\n' "$1" >"$ctr_state/status"
    s6-svscanctl -t "$ctr_scan"
}
