/* What voices sound like:
 *     cc classify.c $(pkg-config --cflags --libs emotrain) -o classify && ./classify MODEL voice.wav... */
#include <emotrain.h>

#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    struct emotrain_error error;
    struct emotrain *model = argc > 2 ? emotrain_open(argv[1], NULL, &error) : NULL;

    if (!model) {
        fprintf(stderr, "%s\n", argc > 2 ? error.message : "usage: classify MODEL SOUND...");
        return 1;
    }
    size_t labels = emotrain_label_count(model);
    float *outputs = calloc(labels, sizeof *outputs);
    for (int i = 2; i < argc; i++) {
        if (!emotrain_classify_file(model, argv[i], outputs, &error)) {
            fprintf(stderr, "%s\n", error.message);
            continue;
        }
        printf("%s\n", argv[i]);
        for (size_t k = 0; k < labels; k++)
            printf("  %-12s %.3f\n", emotrain_label(model, k), (double)outputs[k]);
    }
    free(outputs);
    emotrain_close(model);
    return 0;
}
