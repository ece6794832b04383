/*
 * Makes a corpus for the command-line tests: RAVDESS names, emotions told apart by pitch.
 *
 *     make_corpus FOLDER ACTORS [PEAK [SECONDS]]
 *
 * 8 emotions, two statements per actor, 0.25 to 0.5 s at 22050 Hz; or so loud, in floats, and so long at
 * least.
 */
#include "../unit/waves.h"

#include <stdio.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
    int actors = argc >= 3 && argc <= 5 ? atoi(argv[2]) : 0;
    double peak = argc > 3 ? atof(argv[3]) : 0.5, seconds = argc > 4 ? atof(argv[4]) : 0.25;
    int format = SF_FORMAT_WAV | (argc > 3 ? SF_FORMAT_FLOAT : SF_FORMAT_PCM_16);
    char path[4096];

    if (actors < 1) {
        fprintf(stderr, "usage: make_corpus FOLDER ACTORS [PEAK [SECONDS]]\n");
        return 2;
    }
    mkdir(argv[1], 0777);
    for (int actor = 1; actor <= actors; actor++) {
        snprintf(path, sizeof path, "%s/Actor_%02d", argv[1], actor);
        mkdir(path, 0777);
        for (int emotion = 1; emotion <= 8; emotion++) {
            for (int statement = 1; statement <= 2; statement++) {
                int frames = (int)(22050 * seconds) + 137 * ((actor * 5 + emotion * 3 + statement * 7) % 40);
                snprintf(path, sizeof path, "%s/Actor_%02d/03-01-%02d-01-%02d-01-%02d.wav", argv[1], actor,
                         emotion, statement, actor);
                if (!write_loud_wave(path, 22050, 1, frames, 100.0 * emotion + 3 * actor + statement, peak,
                                     format)) {
                    fprintf(stderr, "make_corpus: cannot write %s\n", path);
                    return 1;
                }
            }
        }
    }
    return 0;
}
