/* What a server of models or archives answers: headers and a small body. */
#include "fuzz.h"

#include "hub/download.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

static int listener;
enum { MOST = 1 << 16 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uint8_t answer[MOST]; /* of the requests from now on */
static size_t answer_size;

/* Answers each request with the same bytes and ends the connection. */
static void *serve(void *unused)
{
    (void)unused;
    for (;;) {
        static uint8_t own[MOST]; /* the next answer may come while a client that has gone is sent this one */
        char request[4096];
        int connection = accept(listener, NULL, NULL);
        if (connection < 0)
            return NULL;
        pthread_mutex_lock(&mutex);
        size_t size = answer_size;
        memcpy(own, answer, size);
        pthread_mutex_unlock(&mutex);
        if (recv(connection, request, sizeof request, 0) > 0)
            for (size_t sent = 0; sent < size;) {
                ssize_t now = send(connection, own + sent, size - sent, MSG_NOSIGNAL);
                if (now <= 0)
                    break;
                sent += (size_t)now;
            }
        shutdown(connection, SHUT_WR);
        close(connection);
    }
}

static const char *address(void)
{
    static char url[64];
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof at;
    pthread_t thread;

    if (url[0])
        return url;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &length) != 0 ||
        pthread_create(&thread, NULL, serve, NULL) != 0)
        abort();
    snprintf(url, sizeof url, "http://127.0.0.1:%d/a", ntohs(at.sin_port));
    return url;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct access access = {address(), "token"};
    struct remote remote;
    struct error error = {0};
    size_t length;

    unsetenv("http_proxy");
    pthread_mutex_lock(&mutex);
    answer_size = size < MOST ? size : MOST;
    memcpy(answer, data, answer_size);
    pthread_mutex_unlock(&mutex);
    fuzz_check(remote_look(address(), &access, &remote, &error), &error);
    if (strlen(remote.etag) >= sizeof remote.etag || strlen(remote.commit) >= sizeof remote.commit)
        abort();
    error = (struct error){0};
    char *text = remote_text(address(), NULL, 1024, &length, &error);
    fuzz_check(text != NULL, &error);
    if (text && length > 1024)
        abort();
    free(text);
    return 0;
}
