# shellcheck shell=sh
# PUID and PGID: the application's user takes the ids of whoever owns the mounted files.

# The first of the given variables that is set, in ctr_id; empty when none is.
first_set() {
    ctr_id=
    for ctr_name in "$@"; do
        eval "ctr_id=\${$ctr_name-}"
        [ -z "$ctr_id" ] || return 0
    done
}

check_id() {
    case $2 in
        *[!0-9]* | 0* | ???????????*) die 1 "$1: '$2' is not a number from 1 to 2147483647" ;;
    esac
    [ "$2" -le 2147483647 ] || die 1 "$1: '$2' is not a number from 1 to 2147483647"
}

users_boot() {
    # shellcheck disable=SC2086
    first_set $container_uid_env
    ctr_new_uid=$ctr_id
    [ -z "$ctr_id" ] || check_id "$ctr_name" "$ctr_id"
    # shellcheck disable=SC2086
    first_set $container_gid_env
    ctr_new_gid=$ctr_id
    [ -z "$ctr_id" ] || check_id "$ctr_name" "$ctr_id"
    [ -n "$ctr_new_uid$ctr_new_gid" ] || return 0
    if ! am_root; then
        warn "running as uid $ctr_uid: the ids of $container_user stay as they are"
        return 0
    fi
    ctr_new_uid=${ctr_new_uid:-$container_uid}
    ctr_new_gid=${ctr_new_gid:-$container_gid}
    if [ -w /etc/passwd ] && [ -w /etc/group ]; then
        renumber_user
    else
        printf '%s\n' "$container_user:x:$ctr_new_uid:$ctr_new_gid::$container_home:" >"$ctr_state/passwd"
    fi
    own_paths
}

# The user's line goes first, so that its name is the one found when another account has the same number.
renumber_user() {
    set_first_line /etc/passwd "$container_user:x:$ctr_new_uid:$ctr_new_gid:"
    set_first_line /etc/group "$container_user:x:$ctr_new_gid:"
}

set_first_line() {
    case $1 in
        */passwd) ctr_line=$(awk -F: -v u="$container_user" '$1 == u { print $5 ":" $6 ":" $7; exit }' "$1") ;;
        *) ctr_line=$(awk -F: -v u="$container_user" '$1 == u { print $4; exit }' "$1") ;;
    esac
    ctr_rest=$(grep -v "^$container_user:" "$1")
    printf '%s\n%s\n' "$2$ctr_line" "$ctr_rest" >"$1"
}

# Only the paths that the image declares, only what differs, never across a mount point.
own_paths() {
    for ctr_path in $container_home $container_owned_paths; do
        [ -d "$ctr_path" ] || continue
        find "$ctr_path" -xdev '(' ! -uid "$ctr_new_uid" -o ! -gid "$ctr_new_gid" ')' \
            -exec chown -h "$ctr_new_uid:$ctr_new_gid" {} + 2>/dev/null || :
    done
}
