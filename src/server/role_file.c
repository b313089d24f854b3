#include "server/role_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096

static const char *const words[] = {[ROLE_PRIMARY] = "primary", [ROLE_STANDBY] = "standby", [ROLE_FENCED] = "fenced"};

static bool path_of(const char *data, const char *name, char out_path[PATH_BYTES])
{
    return snprintf(out_path, PATH_BYTES, "%s/%s", data, name) < PATH_BYTES;
}

enum status role_file_read(const char *data, enum engine_role *out_role, char out_address[ROLE_TEXT_BYTES])
{
    char path[PATH_BYTES];
    char line[ROLE_TEXT_BYTES + 16];
    *out_role = ROLE_PRIMARY;
    out_address[0] = 0;
    if (!path_of(data, "role", path))
        return STATUS_IO;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return errno == ENOENT || errno == ENOTDIR ? STATUS_OK : STATUS_IO;
    bool read = fgets(line, sizeof(line), file) != NULL;
    (void)fclose(file);
    if (!read)
        return STATUS_INVALID;
    line[strcspn(line, "\n")] = 0;
    for (unsigned role = ROLE_PRIMARY; role <= ROLE_FENCED; role++) {
        size_t n = strlen(words[role]);
        if (strncmp(line, words[role], n) != 0 || line[n] != ' ')
            continue;
        *out_role = (enum engine_role)role;
        (void)snprintf(out_address, ROLE_TEXT_BYTES, "%s", line + n + 1);
        return STATUS_OK;
    }
    return STATUS_INVALID;
}

static enum status failed(void)
{
    return errno == ENOSPC || errno == EDQUOT ? STATUS_NO_SPACE : STATUS_IO;
}

/* Makes names in the directory durable. */
static enum status sync_directory(const char *data)
{
    int fd = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return STATUS_IO;
    enum status status = fsync(fd) == 0 ? STATUS_OK : failed();
    (void)close(fd);
    return status;
}

enum status role_file_write(const char *data, enum engine_role role, const char *address)
{
    char path[PATH_BYTES];
    char made[PATH_BYTES];
    if (!path_of(data, "role", path) || !path_of(data, "role.new", made))
        return STATUS_IO;
    FILE *file = fopen(made, "w");
    if (file == NULL)
        return failed();
    bool written = fprintf(file, "%s %s\n", words[role], address) > 0 && fflush(file) == 0 && fsync(fileno(file)) == 0;
    enum status status = written ? STATUS_OK : failed();
    if (fclose(file) != 0 && status == STATUS_OK)
        status = failed();
    if (status == STATUS_OK && rename(made, path) != 0)
        status = failed();
    if (status == STATUS_OK)
        status = sync_directory(data);
    if (status != STATUS_OK)
        (void)unlink(made);
    return status;
}
