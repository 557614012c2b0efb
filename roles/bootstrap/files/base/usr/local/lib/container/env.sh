# shellcheck shell=sh
# The container's environment: image files, docker -e, secrets, and what hooks change.
ctr_private='HOME USER LOGNAME GROUP UID EUID GID SHELL SHELLOPTS PWD OLDPWD PPID SHLVL _'
ctr_longest=130000

valid_name() {
    case $1 in
        '' | [!A-Za-z_]* | *[!A-Za-z0-9_]* | ctr_*) return 1 ;;
    esac
    case " $ctr_private " in
        *" $1 "*) return 1 ;;
    esac
}

is_set() { eval "[ -n \"\${$1+x}\" ]"; }

# A file's content, less one newline at its end, in ctr_value.
read_value() {
    ctr_value=$(cat "$1" && printf .) || return 1
    ctr_value=${ctr_value%.}
    ctr_value=${ctr_value%"$ctr_newline"}
}

# export_file FILE [NAME]: the file's content becomes the variable.
export_file() {
    ctr_name=${2-${1##*/}}
    if ! valid_name "$ctr_name"; then
        warn "environment: $1 is not the name of a variable that can be set, ignored"
    elif read_value "$1" && [ "${#ctr_value}" -le "$ctr_longest" ]; then
        export "$ctr_name=$ctr_value"
    else
        warn "environment: $1 cannot be read or is too long, ignored"
    fi
}

# docker -e wins over the files of the image; names that a shell cannot hold are left out.
env_boot() {
    for ctr_file in "$container_environment_directory"/*; do
        [ -f "$ctr_file" ] || continue
        is_set "$(printf %s "${ctr_file##*/}" | tr -c 'A-Za-z0-9_' _)" || export_file "$ctr_file"
    done
    ctr_ifs=$IFS
    IFS=$ctr_newline
    set -f
    ctr_file=/proc/$$/environ
    [ ! -r "$ctr_state/environ" ] || ctr_file=$ctr_state/environ # what PID 1 was given, see init.sh
    for ctr_name in $(tr '\n\0' ' \n' <"$ctr_file" | cut -d= -f1); do
        case $ctr_name in
            '' | [!A-Za-z_]* | *[!A-Za-z0-9_]*)
                warn "environment: '$ctr_name' is not a name that a shell can pass on, ignored" ;;
            ?*_FILE) follow_secret "${ctr_name%_FILE}" ;;
        esac
    done
    set +f
    IFS=$ctr_ifs
    rm -f "$ctr_state/environ"
    env_dump
}

# NAME_FILE=/run/secrets/x gives NAME; any other place only for the names listed in CONTAINER_SECRETS.
follow_secret() {
    eval "ctr_path=\$${1}_FILE"
    case $ctr_path in
        /run/secrets/* | /var/run/secrets/*) ;;
        *)
            case " ${CONTAINER_SECRETS-$container_secrets} " in
                *" $1 "*) ;;
                *) return 0 ;;
            esac ;;
    esac
    ! is_set "$1" || die 1 "environment: both $1 and $1_FILE are set, give one of them"
    [ -r "$ctr_path" ] || die 1 "environment: $1_FILE names $ctr_path, which cannot be read"
    export_file "$ctr_path" "$1"
}

# After a hook: what was written since the start wins, in the image's directory and in the one in /run.
env_refresh() {
    ctr_changed=
    ctr_ifs=$IFS
    IFS=$ctr_newline
    # shellcheck disable=SC2044
    for ctr_file in $(find "$container_environment_directory/" "$ctr_state/environment/" \
        -mindepth 1 -maxdepth 1 -type f -newer "$ctr_state/started" 2>/dev/null); do
        export_file "$ctr_file"
        ctr_changed=yes
    done
    IFS=$ctr_ifs
    [ -z "$ctr_changed" ] || env_dump
}
