/* Decoding by FFmpeg's libraries: see ffmpeg_module.h. */
#include "audio/ffmpeg/ffmpeg_module.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Containers of sound and of videos with sound; none that names other files. */
#define CONTAINERS                                                                                           \
    "mov,mp4,m4a,3gp,3g2,mj2;matroska,webm;aac;amr;asf;avi;caf;mp3;ogg;flac;wav;w64;aiff;au;"                \
    "ac3;eac3;"                                                                                              \
    "mpeg;mpegts;flv;ape;wv;tta;tak;mpc;mpc8;dsf;rm;adts"

/* A file being decoded. */
struct decoding {
    AVFormatContext *file;
    AVCodecContext *codec;
    AVPacket *packet;
    AVFrame *frame;
    int stream;
    ffmpeg_take_function *take;
    void *context;
    float *block; /* samples of a frame, as they are given on */
    size_t capacity;
    struct ffmpeg_sound *sound;
};

static int fail(struct ffmpeg_sound *sound, const char *what, int code)
{
    char why[AV_ERROR_MAX_STRING_SIZE] = "";

    if (code < 0)
        av_strerror(code, why, sizeof why);
    snprintf(sound->reason, sizeof sound->reason, "%s%s%s", what, code < 0 ? ": " : "", why);
    return 0;
}

/* One sample of any of FFmpeg's formats, full scale 1. */
static float sample_of(const AVFrame *frame, int index, int channel, int channels)
{
    const int planar = av_sample_fmt_is_planar((enum AVSampleFormat)frame->format);
    const uint8_t *plane = frame->extended_data[planar ? channel : 0];
    const size_t at = planar ? (size_t)index : (size_t)index * (size_t)channels + (size_t)channel;

    switch (av_get_packed_sample_fmt((enum AVSampleFormat)frame->format)) {
    case AV_SAMPLE_FMT_U8:
        return ((float)plane[at] - 128) / 128;
    case AV_SAMPLE_FMT_S16:
        return (float)((const int16_t *)plane)[at] / 32768;
    case AV_SAMPLE_FMT_S32:
        return (float)((double)((const int32_t *)plane)[at] / 2147483648.0);
    case AV_SAMPLE_FMT_S64:
        return (float)((double)((const int64_t *)plane)[at] / 9223372036854775808.0);
    case AV_SAMPLE_FMT_FLT: /* FFmpeg's planes are aligned and of this type */
        /* cppcheck-suppress invalidPointerCast */
        return ((const float *)plane)[at];
    case AV_SAMPLE_FMT_DBL:
        /* cppcheck-suppress invalidPointerCast */
        return (float)((const double *)plane)[at];
    default:
        return 0;
    }
}

static int take_frame(struct decoding *d)
{
    struct ffmpeg_sound *sound = d->sound;
    const AVFrame *frame = d->frame;
    const int channels = frame->ch_layout.nb_channels, count = frame->nb_samples;

    if (sound->frames == 0) {
        sound->rate = frame->sample_rate;
        sound->channels = channels;
    }
    if (channels != sound->channels || frame->sample_rate != sound->rate || channels < 1 || count < 0)
        return fail(sound, "its sample rate or channels change within it", 0);
    size_t needed = (size_t)count * (size_t)channels, n = 0;
    if (needed > d->capacity) {
        float *larger = realloc(d->block, needed * sizeof *larger);
        if (!larger)
            return fail(sound, "no memory for its samples", 0);
        d->block = larger;
        d->capacity = needed;
    }
    for (int i = 0; i < count; i++)
        for (int c = 0; c < channels; c++)
            d->block[n++] = sample_of(frame, i, c, channels);
    sound->frames += (size_t)count;
    return d->take(d->context, d->block, n) || fail(sound, "no room for its samples", 0);
}

/* Takes what the decoder has ready. */
static int drain(struct decoding *d)
{
    while (avcodec_receive_frame(d->codec, d->frame) == 0) {
        int taken = take_frame(d);
        av_frame_unref(d->frame);
        if (!taken)
            return 0;
    }
    return 1;
}

/* Whether much less came out than the container says the stream has. */
static int is_cut(const struct decoding *d)
{
    const AVStream *stream = d->file->streams[d->stream];
    const double slack = 0.25; /* seconds: what codecs put before and after the sound */
    double promised = (double)stream->duration * av_q2d(stream->time_base);

    if (d->file->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) /* a guess */
        return 0;
    if (stream->duration <= 0 && d->file->nb_streams == 1)
        promised = (double)d->file->duration / AV_TIME_BASE;
    return (double)d->sound->frames / d->sound->rate < 0.98 * promised - slack;
}

/* Damaged packets are passed over, as every player does. */
static int decode_packets(struct decoding *d)
{
    int code;

    while ((code = av_read_frame(d->file, d->packet)) == 0) {
        if (d->packet->stream_index == d->stream)
            avcodec_send_packet(d->codec, d->packet);
        av_packet_unref(d->packet);
        if (!drain(d))
            return 0;
    }
    if (code != AVERROR_EOF)
        return fail(d->sound, "damaged or truncated", code);
    avcodec_send_packet(d->codec, NULL);
    if (!drain(d))
        return 0;
    if (d->sound->frames == 0)
        return fail(d->sound, "no sound in it", 0);
    return !is_cut(d) || fail(d->sound, "truncated: it promises more than it holds", 0);
}

static int open_stream(struct decoding *d)
{
    int code = 0;

    d->stream = -1;
    for (unsigned i = 0; i < d->file->nb_streams && d->stream < 0; i++)
        if (d->file->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            d->stream = (int)i;
    if (d->stream < 0)
        return fail(d->sound, "no audio stream in it", 0);
    const AVStream *stream = d->file->streams[d->stream];
    const AVCodec *decoder = avcodec_find_decoder(stream->codecpar->codec_id);
    if (!decoder)
        return fail(d->sound, "FFmpeg here has no decoder for it", 0);
    d->codec = avcodec_alloc_context3(decoder);
    if (!d->codec || (code = avcodec_parameters_to_context(d->codec, stream->codecpar)) < 0)
        return fail(d->sound, "cannot prepare its decoder", code);
    d->codec->pkt_timebase = stream->time_base;
    code = avcodec_open2(d->codec, decoder, NULL);
    return code >= 0 || fail(d->sound, "cannot open its decoder", code);
}

static int open_file(struct decoding *d, const char *path)
{
    size_t size = strlen(path) + sizeof "file:";
    char *url = malloc(size);
    char containers[] = CONTAINERS;

    for (char *c = containers; *c; c++)
        *c = *c == ';' ? ',' : *c;
    d->file = avformat_alloc_context();
    d->packet = av_packet_alloc();
    d->frame = av_frame_alloc();
    if (!url || !d->file || !d->packet || !d->frame) {
        free(url);
        return fail(d->sound, "no memory", 0);
    }
    snprintf(url, size, "file:%s", path);
    d->file->protocol_whitelist = av_strdup("file");
    d->file->format_whitelist = av_strdup(containers);
    int code = avformat_open_input(&d->file, url, NULL, NULL);
    free(url);
    if (code >= 0)
        code = avformat_find_stream_info(d->file, NULL);
    return code >= 0 || fail(d->sound, "not audio that libsndfile or FFmpeg reads", code);
}

/* FFmpeg has one log level for the whole process: the host's is back once the last of several threads is
 * done. */
static void hush(int by)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static int hushing, before;

    pthread_mutex_lock(&mutex);
    if (by > 0 && hushing == 0) {
        before = av_log_get_level();
        av_log_set_level(AV_LOG_QUIET);
    }
    hushing += by;
    if (hushing == 0)
        av_log_set_level(before);
    pthread_mutex_unlock(&mutex);
}

int emotrain_ffmpeg_decode(const char *path, ffmpeg_take_function *take, void *context,
                           struct ffmpeg_sound *sound)
{
    struct decoding d = {.take = take, .context = context, .sound = sound};

    memset(sound, 0, sizeof *sound);
    hush(1);
    int done = open_file(&d, path) && open_stream(&d) && decode_packets(&d);
    avcodec_free_context(&d.codec);
    avformat_close_input(&d.file);
    av_packet_free(&d.packet);
    av_frame_free(&d.frame);
    free(d.block);
    hush(-1);
    return done;
}
