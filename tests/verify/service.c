/* A service as people write them, good or broken: words of the form key=value say what is wrong with it.
   `sick` is how many answers are good before the others are bad, `die` after how many seconds it ends.
   `check PORT` is its own health check. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char **words;
static int stop_code;

static const char *get(const char *key, const char *otherwise)
{
    size_t length = strlen(key);
    for (char **word = words; *word; word++)
        if (!strncmp(*word, key, length) && (*word)[length] == '=')
            return *word + length + 1;
    return otherwise;
}

static void nap(double seconds)
{
    struct timespec time = {(time_t)seconds, (long)((seconds - (long)seconds) * 1e9)};
    while (nanosleep(&time, &time) && errno == EINTR)
        ;
}

static int fail(const char *what, const char *which)
{
    fprintf(stderr, "error: %s %s: %s\n", what, which, strerror(errno));
    return atoi(get("code", "1"));
}

static void on_stop(int number)
{
    double slow = atof(get("slow", "0"));
    dprintf(1, "signal %d\n", number);
    nap(slow);
    _exit(stop_code);
}

static int open_socket(const char *host, const char *port, int passive)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(atoi(port))};
    int of_six = strchr(host, ':') != 0, yes = 1, made = socket(of_six ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
    struct sockaddr *address = of_six ? (struct sockaddr *)&six : (struct sockaddr *)&four;
    socklen_t length = of_six ? sizeof six : sizeof four;
    if (!inet_pton(of_six ? AF_INET6 : AF_INET, host, of_six ? (void *)&six.sin6_addr : (void *)&four.sin_addr))
        return -1;
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (passive ? bind(made, address, length) || listen(made, 16) : connect(made, address, length))
        return -1;
    return made;
}

/* What an image without a shell has instead of curl. */
static int check(const char *host, const char *port)
{
    char answer[4096] = "", *body;
    int status = 0, server = open_socket(host, port, 0);
    ssize_t got, length = 0;
    nap(atof(get("wait", "0")));
    if (server < 0)
        return printf("connect: %s on %s:%s\n", strerror(errno), host, port), 1;
    dprintf(server, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    while ((got = read(server, answer + length, sizeof answer - 1 - length)) > 0)
        length += got;
    sscanf(answer, "HTTP/1.1 %d", &status);
    body = strstr(answer, "\r\n\r\n");
    if (status == 200)
        return puts(body ? body + 4 : ""), 0;
    return printf("status %d\n", status), 1;
}

static void *die(void *seconds)
{
    nap(atof(seconds));
    _exit(atoi(get("code", "0")));
}

static void answer_all(int server)
{
    char request[4096], body[256], answer[512];
    int well = atoi(get("sick", "0"));
    for (int number = 1;; number++) {
        int client = accept(server, 0, 0);
        int status = well && number > well ? 500 : atoi(get("status", "200"));
        if (client < 0)
            continue;
        if (read(client, request, sizeof request) > 0 && (strncmp(request, "GET /live", 9) || (status = atoi(get("live", "200"))))) {
            snprintf(body, sizeof body, "{\"status\":\"%d\",\"version\":\"%s\"}", status, get("version", "1.2.3"));
            snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     status, strlen(body), body);
            if (write(client, answer, strlen(answer)) < 0)
                perror("write");
        }
        close(client);
    }
}

static int prepare(void)
{
    const char *path;
    FILE *file;
    pid_t child;
    if (*(path = get("write", ""))) {
        if (!(file = fopen(path, "w")) || fclose(file))
            return fail("cannot write", path);
    }
    if (*(path = get("read", ""))) {
        if (!(file = fopen(path, "r")) || fclose(file))
            return fail("cannot read", path);
    }
    if (*(path = get("need", "")) && !getenv(path)) {
        if (*get("hang", ""))
            nap(600);
        fprintf(stderr, "error: %s is missing\n", path), exit(atoi(get("code", "1")));
    }
    for (int i = 0; i < atoi(get("eat", "0")); i++)
        memset(malloc(1 << 20), 1, 1 << 20), nap(0.001);
    for (int i = 0; i < atoi(get("zombies", "0")); i++)
        if (!(child = fork()))
            _exit(0);
        else
            waitid(P_PID, child, 0, WEXITED | WNOWAIT); /* It is dead, and nobody has waited for it. */
    return 0;
}

int main(int count, char **given)
{
    const char *term;
    pthread_t thread;
    int code, server;
    words = given;
    (void)count;
    setvbuf(stdout, 0, _IOLBF, 0);
    if (given[1] && !strcmp(given[1], "check"))
        return check(get("host", "127.0.0.1"), get("port", "3000"));
    term = get("term", "exit");
    stop_code = !strcmp(term, "code") ? 3 : 0;
    if (!strcmp(term, "ignore"))
        signal(SIGTERM, SIG_IGN);
    else if (strcmp(term, "none"))
        signal(SIGTERM, on_stop);
    if (*get("show", ""))
        printf("%s is %s\n", get("show", ""), getenv(get("show", "")));
    if (*get("exit", ""))
        return fprintf(stderr, "error: as it was told\n"), atoi(get("exit", ""));
    if (*get("crash", ""))
        *(volatile int *)0 = 1;
    if ((code = prepare())) {
        if (*get("linger", ""))
            nap(600);
        return code;
    }
    if (*get("silent", ""))
        nap(600);
    nap(atof(get("delay", "0")));
    if ((server = open_socket(get("bind", "0.0.0.0"), get("port", "3000"), 1)) < 0)
        return fail("cannot listen on", get("bind", "0.0.0.0"));
    printf("listening on %s port %s\n", get("bind", "0.0.0.0"), get("port", "3000"));
    if (*get("die", ""))
        pthread_create(&thread, 0, die, (void *)get("die", ""));
    answer_all(server);
}
