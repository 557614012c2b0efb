/* Starts a program of the runtime volume with the volume's own dynamic loader and libraries, so that it
 * runs on any root: another libc, no libc, no shell. Installed once per program as <runtime>/bin/NAME;
 * the program itself is <runtime>/libexec/NAME. Statically linked, since the target may have no loader. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM 4096

/* Around the target's own PATH: stand-ins that go before what the target has, and those for what it lacks. */
static void extend_path(const char *directory) {
    static char value[4 * ROOM];
    const char *old = getenv("PATH");
    if (old == NULL || *old == '\0') old = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    if (strstr(old, directory) != NULL) return;
    if (snprintf(value, sizeof value, "%s/first:%s:%s", directory, old, directory) < (int)sizeof value)
        setenv("PATH", value, 1);
}

int main(int argc, char **argv) {
    char self[ROOM], runtime[ROOM];
    char loader[2 * ROOM], libraries[2 * ROOM], program[3 * ROOM], standins[2 * ROOM], bundle[2 * ROOM];
    /* Not argv[0]: programs such as mitogen rewrite it to name themselves in ps. */
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length < 0) { perror("/proc/self/exe"); return 127; }
    self[length] = '\0';
    char *name = strrchr(self, '/') + 1;
    snprintf(runtime, sizeof runtime, "%.*s", (int)(name - self - 1), self);
    *strrchr(runtime, '/') = '\0';
    snprintf(loader, sizeof loader, "%s/lib/ld.so", runtime);
    snprintf(libraries, sizeof libraries, "%s/lib/shared", runtime);
    snprintf(program, sizeof program, "%s/libexec/%s", runtime, name);
    snprintf(standins, sizeof standins, "%s/standins", runtime);
    extend_path(standins);
    setenv("SYSTEMD_OFFLINE", "1", 0);
    snprintf(bundle, sizeof bundle, "%s/etc/ca-certificates.crt", runtime);
    if (access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0 && access("/etc/pki/tls/certs/ca-bundle.crt", R_OK) != 0)
        setenv("SSL_CERT_FILE", bundle, 0);

    int python = strcmp(name, "python3") == 0, used = 0;
    char **arguments = calloc((size_t)argc + 8, sizeof *arguments);
    if (arguments == NULL) { perror("calloc"); return 127; }
    arguments[used++] = loader;
    arguments[used++] = "--argv0";
    arguments[used++] = self;
    arguments[used++] = "--library-path";
    arguments[used++] = libraries;
    arguments[used++] = program;
    if (python) arguments[used++] = "-B"; /* the target's own modules get no .pyc files from us */
    for (int i = 1; i < argc; i++) arguments[used++] = argv[i];
    execv(loader, arguments);
    perror(loader);
    return 127;
}
