/* Which file, and which stretch of it, a path stands for. */
#include "audio/audio.h"

#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const AUDIO_ENDINGS[] = {
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".caf", ".w64",
    /* by FFmpeg alone */
    ".m4a", ".mp4", ".webm", ".aac", ".amr", ".wma", ".mka", ".mkv", ".3gp", ".mov", ".avi", NULL};

bool audio_is_sound_name(const char *name)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && name[0] != '.' && AUDIO_ENDINGS[i]; i++)
        if (strcasecmp(dot, AUDIO_ENDINGS[i]) == 0)
            return true;
    return false;
}

char *audio_file_of(const char *path, double *start, double *end)
{
    const char *mark = NULL, *comma;

    for (const char *at = strstr(path, "#t="); at; at = strstr(at + 1, "#t="))
        mark = at;
    *start = *end = 0;
    if (!mark)
        return mem_string(path);
    comma = strchr(mark, ',');
    char *first = comma ? mem_format("%.*s", (int)(comma - mark) - 3, mark + 3) : mem_string(mark + 3);
    if (!comma)
        *end = INFINITY;
    bool stretch = text_to_number(first, start) && (!comma || text_to_number(comma + 1, end)) &&
                   *start >= 0 && *end > *start;
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
