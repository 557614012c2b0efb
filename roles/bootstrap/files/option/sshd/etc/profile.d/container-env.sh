# A login sees the environment of the container; the file can be read by root and the group docker_env.
if [ -r /etc/container_environment.sh ]; then
    . /etc/container_environment.sh
fi
