#include "server/archive.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "server/log.h"

#define LOOK_NS (50 * 1000 * 1000)

extern char **environ;

/* The server's own variables, and these two. NULL when memory cannot be had. */
static char **variables(char *path, char *name)
{
    size_t n = 0, used = 0;
    while (environ[n] != NULL)
        n++;
    char **list = calloc(n + 3, sizeof(*list));
    if (list == NULL)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (strncmp(environ[i], "ONHAND_SEGMENT=", 15) != 0 && strncmp(environ[i], "ONHAND_SEGMENT_NAME=", 20) != 0)
            list[used++] = environ[i];
    }
    list[used++] = path;
    list[used] = name;
    return list;
}

/* Begins it: in a group of its own, that it may be ended with all it started, and without the signals this process keeps from its
 * threads. */
static int start(const char *command, char **list, pid_t *out_pid)
{
    char shell[] = "/bin/sh", flag[] = "-c";
    char *words[] = {shell, flag, strdup(command), NULL};
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    if (words[2] == NULL)
        return ENOMEM;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGXFSZ);
    int error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        (void)posix_spawnattr_setflags(&attributes,
                                       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
        (void)posix_spawnattr_setpgroup(&attributes, 0);
        (void)posix_spawnattr_setsigmask(&attributes, &none);
        (void)posix_spawnattr_setsigdefault(&attributes, &usual);
        error = posix_spawn(out_pid, shell, NULL, &attributes, words, list);
        (void)posix_spawnattr_destroy(&attributes);
    }
    free(words[2]);
    return error;
}

/* Its status as of waitpid; -1 when it was ended because of stop. */
static int wait_for(pid_t pid, const atomic_bool *stop)
{
    bool ended = false;
    for (;;) {
        int status = 0;
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            return ended ? -1 : status;
        if (got < 0 && errno != EINTR)
            return -1;
        if (!ended && stop != NULL && atomic_load(stop)) {
            (void)kill(-pid, SIGTERM);
            ended = true;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
}

bool archive_run(const char *command, const char *directory, const char *name, const atomic_bool *stop)
{
    char path_variable[PATH_MAX + 64], name_variable[128];
    pid_t pid = 0;
    int n = snprintf(path_variable, sizeof(path_variable), "ONHAND_SEGMENT=%s/%s", directory, name);
    (void)snprintf(name_variable, sizeof(name_variable), "ONHAND_SEGMENT_NAME=%s", name);
    char **list = variables(path_variable, name_variable);
    int error = list == NULL ? ENOMEM : n < 0 || (size_t)n >= sizeof(path_variable) ? ENAMETOOLONG : start(command, list, &pid);
    free(list);
    if (error != 0) {
        log_error("the archive command cannot be started for %s: %s. The segment stays", name, strerror(error));
        return false;
    }
    int status = wait_for(pid, stop);
    if (status == 0)
        return true;
    if (status == -1)
        log_info("the archive command for %s was ended with the server; the segment stays", name);
    else if (WIFSIGNALED(status))
        log_error("the archive command for %s was ended by signal %d. The segment stays, and is tried again with the next checkpoint",
                  name, WTERMSIG(status));
    else
        log_error("the archive command for %s ended with %d. The segment stays, and is tried again with the next checkpoint", name,
                  WEXITSTATUS(status));
    return false;
}
