# Runs a command with the package-index configuration of the machine that builds, where it has one.
if [ -s /build/index/pip.conf ]; then export PIP_CONFIG_FILE=/build/index/pip.conf; fi
if [ -s /build/index/ca.crt ]; then export PIP_CERT=/build/index/ca.crt; fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
exec "$@"
