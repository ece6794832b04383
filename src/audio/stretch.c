/* Which file, and which stretch of it, a path stands for. */
#include "audio/audio.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool audio_is_sound_name(const char *name)
{
    static const char *const endings[] = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".aif", ".au"};
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && name[0] != '.' && i < sizeof endings / sizeof endings[0]; i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

char *audio_file_of(const char *path, double *start, double *end)
{
    const char *mark = NULL, *comma;

    for (const char *at = strstr(path, "#t="); at; at = strstr(at + 1, "#t="))
        mark = at;
    *start = *end = 0;
    if (!mark || !(comma = strchr(mark, ',')))
        return mem_string(path);
    char *first = mem_format("%.*s", (int)(comma - mark) - 3, mark + 3);
    bool stretch =
        text_to_number(first, start) && text_to_number(comma + 1, end) && *start >= 0 && *end > *start;
    free(first);
    if (stretch)
        return mem_format("%.*s", (int)(mark - path), path);
    *start = *end = 0;
    return mem_string(path);
}

bool audio_digest(const char *path, const char *file_hash, char hex[SHA256_HEX_SIZE], struct error *error)
{
    double start, end;
    char own[SHA256_HEX_SIZE];
    char *file = audio_file_of(path, &start, &end);
    bool done = file_hash || digest_file(file, own, error);

    if (done && end == 0) {
        memcpy(hex, file_hash ? file_hash : own, SHA256_HEX_SIZE);
    } else if (done) {
        char *both = mem_format("%s%s", file_hash ? file_hash : own, path + strlen(file));
        digest_bytes(both, strlen(both), hex);
        free(both);
    }
    free(file);
    return done;
}
