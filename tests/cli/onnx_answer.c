/* ONNX Runtime's predictions:  onnx_predict MODEL.onnx SOUND.wav  prints the first output, a number a line.
 * The sound is taken as it is: mono, at the model's rate. */
#include <onnxruntime_c_api.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>

static const OrtApi *api;

static void check(OrtStatus *status)
{
    if (status) {
        fprintf(stderr, "onnx_answer: %s\n", api->GetErrorMessage(status));
        exit(1);
    }
}

static float *read_sound(const char *path, int64_t *count)
{
    SF_INFO info = {0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    float *samples = file && info.channels == 1 ? calloc((size_t)info.frames + 1, sizeof *samples) : NULL;

    if (!samples || sf_readf_float(file, samples, info.frames) != info.frames) {
        fprintf(stderr, "onnx_answer: cannot read %s\n", path);
        exit(1);
    }
    sf_close(file);
    *count = info.frames;
    return samples;
}

int main(int argc, char **argv)
{
    OrtEnv *environment;
    OrtSessionOptions *options;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator;
    OrtValue *input = NULL, *output = NULL;
    OrtTensorTypeAndShapeInfo *info;
    char *name;
    float *outputs;
    size_t count;
    int64_t shape[2] = {1, 0};

    if (argc != 3)
        return 2;
    api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    float *samples = read_sound(argv[2], &shape[1]);
    check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "test", &environment));
    check(api->CreateSessionOptions(&options));
    check(api->CreateSession(environment, argv[1], options, &session));
    check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    check(api->CreateTensorWithDataAsOrtValue(memory, samples, (size_t)shape[1] * sizeof *samples, shape, 2,
                                              ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &input));
    check(api->GetAllocatorWithDefaultOptions(&allocator));
    check(api->SessionGetOutputName(session, 0, allocator, &name));
    check(api->Run(session, NULL, (const char *const[]){"samples"}, (const OrtValue *const[]){input}, 1,
                   (const char *const[]){name}, 1, &output));
    check(api->GetTensorTypeAndShape(output, &info));
    check(api->GetTensorShapeElementCount(info, &count));
    check(api->GetTensorMutableData(output, (void **)&outputs));
    for (size_t i = 0; i < count; i++)
        printf("%.7g\n", (double)outputs[i]);
    return 0;
}
