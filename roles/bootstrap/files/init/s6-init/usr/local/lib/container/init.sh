# shellcheck shell=sh
# s6-init: s6-svscan becomes PID 1, over the scan directory of the services; the entry script goes on as its child.
# Without services (--skip-runit) there is nothing to scan, and the entry script stays PID 1.

ctr_svscan=${CTR_SVSCAN-}
unset CTR_SVSCAN

become_init() {
    if [ -n "$ctr_svscan" ] || [ $$ -ne 1 ]; then
        return 0
    fi
    for ctr_arg in "$@"; do
        case $ctr_arg in
            --skip-runit | --skip-services) return 0 ;;
            --) break ;;
            -*) ;;
            *) break ;;
        esac
    done
    make_run_directory
    mkdir -p "$ctr_scan/.s6-svscan"
    for ctr_signal in HUP INT QUIT TERM USR1 USR2 WINCH; do
        ln -s "$ctr_lib/init-signal" "$ctr_scan/.s6-svscan/SIG$ctr_signal"
    done
    ln -s "$ctr_lib/init-finish" "$ctr_scan/.s6-svscan/finish"
    exec 3<&0
    CTR_SVSCAN=yes undisturbed /docker-entrypoint.sh "$@" <&3 3<&- &
    printf '%s\n' "$!" >"$ctr_state/entry"
    exec 3<&-
    exec s6-svscan "$ctr_scan" </dev/null
}

# The last word of the entry script: its status, and that s6-svscan may end.
end_init() {
    printf '%s\n' "$1" >"$ctr_state/status"
    s6-svscanctl -t "$ctr_scan"
}
