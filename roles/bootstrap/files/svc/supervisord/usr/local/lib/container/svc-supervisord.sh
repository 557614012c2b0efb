# shellcheck shell=sh
# The supervisord layer. Its config is made at each start from /etc/service. Programs of /etc/supervisor/conf.d run beside
# the services; one of a service's name is that service, whose file is read last. service-keep stands between supervisord
# and a service: it keeps the state in the scan directory, where looking at it costs no Python.

layer_adopt() {
    link_service "$1"
    stop_budget
    supervisord_program "$1" "$ctr_scan/$1" "$ctr_lib/service-keep" >"$ctr_scan/$1/supervisord.conf"
    [ ! -e "$ctr_scan/$1/log/run" ] || adopt_log "$1"
}

# The log service reads a fifo that it holds open itself, so that it sees no end while its service starts again.
adopt_log() {
    mkfifo "$ctr_scan/$1/log/fifo"
    supervisord_program "$1.log" "$ctr_scan/$1/log" "$ctr_lib/service-keep-log" >>"$ctr_scan/$1/supervisord.conf"
    sed -i '/^\[program:.*\.log\]/,$s/^autostart=.*/autostart=true/' "$ctr_scan/$1/supervisord.conf"
}

supervisord_program() {
    ctr_signal=TERM
    [ ! -r "$2/down-signal" ] || read -r ctr_signal <"$2/down-signal"
    cat <<END
[program:$1]
directory=$2
command=$3
autostart=false
autorestart=true
startsecs=0
startretries=1000000
stopsignal=${ctr_signal#SIG}
stopwaitsecs=$((ctr_budget / 100))
stopasgroup=true
killasgroup=true
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
stderr_logfile=/dev/fd/2
stderr_logfile_maxbytes=0
END
}

supervisord_config() {
    read -r ctr_secret </proc/sys/kernel/random/uuid
    cat <<END
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
loglevel=warn
pidfile=$ctr_state/supervisord.pid
${ctr_user_line-}
[unix_http_server]
file=$ctr_state/supervisor.sock
chmod=0700
username=container
password=$ctr_secret
[supervisorctl]
serverurl=unix://$ctr_state/supervisor.sock
username=container
password=$ctr_secret
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[include]
files=${ctr_others:+/etc/supervisor/conf.d/*.conf }$ctr_scan/*/supervisord.conf
END
}

layer_run() {
    ctr_user_line='' ctr_others=''
    ! am_root || ctr_user_line=user=root
    for ctr_file in /etc/supervisor/conf.d/*.conf; do
        [ ! -e "$ctr_file" ] || ctr_others=yes
    done
    (umask 077 && supervisord_config >"$ctr_state/supervisord.conf")
    PYTHONDONTWRITEBYTECODE=1 apart supervisord -c "$ctr_state/supervisord.conf"
}

layer_known() { [ -S "$ctr_state/supervisor.sock" ]; }

layer_state() {
    ctr_state_is=down ctr_state_pid=-
    { read -r ctr_keeper <"$ctr_scan/$1/keeper"; } 2>/dev/null && ! has_ended "$ctr_keeper" || return 0
    ctr_state_is=up
    { read -r ctr_state_pid <"$ctr_scan/$1/pid"; } 2>/dev/null || ctr_state_pid=-
}

layer_notified() { was_notified "$1"; }
layer_up() { "$ctr_lib/supervisor-rpc" "$ctr_state" startProcess "$@"; }
layer_down() { "$ctr_lib/supervisor-rpc" "$ctr_state" stopProcess "$@"; }
layer_leave() { "$ctr_lib/supervisor-rpc" "$ctr_state" shutdown || kill -TERM "$ctr_layer" 2>/dev/null || :; }
layer_owns() { return 1; }

# The keeper leads the group of its service.
layer_kill() {
    for ctr_told in "$@"; do
        { read -r ctr_keeper <"$ctr_scan/$ctr_told/keeper"; } 2>/dev/null || continue
        kill -KILL "-$ctr_keeper" 2>/dev/null || :
    done
}
