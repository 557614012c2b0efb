# shellcheck shell=sh
# The environment written down for those who do not inherit it.

# Read by container-env, by login shells and by hooks; for root and the group docker_env only.
env_dump() {
    (
        umask 027
        for ctr_name in $ctr_private; do
            unset "$ctr_name" 2>/dev/null || :
        done
        export -p >"$ctr_state/environment.sh.new"
        env_json >"$ctr_state/environment.json.new"
    )
    if am_root; then
        chgrp docker_env "$ctr_state/environment.sh.new" "$ctr_state/environment.json.new" 2>/dev/null || :
    fi
    mv -f "$ctr_state/environment.sh.new" "$ctr_state/environment.sh"
    mv -f "$ctr_state/environment.json.new" "$ctr_state/environment.json"
}

env_json() {
    awk 'function quoted(text) {
            gsub(/\\/, "&&", text); gsub(/"/, "\\\\&", text); gsub(/\n/, "\\n", text)
            gsub(/\t/, "\\t", text); gsub(/[\001-\037]/, " ", text)
            return "\"" text "\""
        }
        BEGIN {
            printf "{"
            for (name in ENVIRON) { printf "%s\n  %s: %s", comma, quoted(name), quoted(ENVIRON[name]); comma = "," }
            print "\n}"
        }' 2>/dev/null || :
}
