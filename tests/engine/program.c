/* What the tests run: a static program of many talents, chosen by its first argument. */
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void on_signal(int number)
{
    dprintf(1, "signal %d\n", number);
    _exit(7);
}

static int facts(void)
{
    char folder[4096];
    gid_t groups[64];
    int count = getgroups(64, groups);
    printf("uid %d\ngid %d\npid %d\ncwd %s\n", getuid(), getgid(), getpid(), getcwd(folder, sizeof folder));
    for (int i = 0; i < count; i++)
        printf("group %d\n", groups[i]);
    for (char **pair = environ; *pair; pair++)
        printf("env %s\n", *pair);
    return 0;
}

static int show(const char *path)
{
    char buffer[4096];
    size_t got;
    FILE *file = fopen(path, "r");
    if (!file)
        return printf("%s: %s\n", path, strerror(errno)), 1;
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0)
        fwrite(buffer, 1, got, stdout);
    return 0;
}

static int list(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    if (!folder)
        return printf("%s: %s\n", path, strerror(errno)), 1;
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            printf("%s\n", entry->d_name);
    return 0;
}

static int put(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file || fputs("1\n", file) < 0 || fclose(file) != 0)
        return printf("%s: %s\n", path, strerror(errno)), 1;
    return 0;
}

static int serve(int port, int seconds)
{
    const char *answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    char request[4096];
    int yes = 1, server = socket(AF_INET, SOCK_STREAM, 0), client;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, (struct sockaddr *)&address, sizeof address) || listen(server, 8))
        return perror("bind"), 1;
    alarm(seconds);
    while ((client = accept(server, 0, 0)) >= 0) {
        if (read(client, request, sizeof request) > 0)
            write(client, answer, strlen(answer));
        close(client);
    }
    return 0;
}

/* How many processes are dead and waited for by nobody; `alive` is how many others there are. */
static int dead(int *alive)
{
    int count = 0;
    *alive = 0;
    for (int i = 1; i < 100; i++) {
        char path[32], state = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", i);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        fscanf(file, "%*d (%*[^)]) %c", &state);
        count += state == 'Z';
        *alive += state != 'Z';
        fclose(file);
    }
    return count;
}

/* Orphans that end at once; says how many are waited for by nobody. Somebody else has a minute for it. */
static int zombies(void)
{
    int count, alive, own = getpid() == 1 ? 1 : 2;
    for (int i = 0; i < 3; i++)
        if (fork() == 0) {
            if (fork() == 0)
                usleep(50000);
            _exit(0);
        } else
            wait(0);
    for (int i = 0; i < 1200; i++) {
        usleep(50000);
        count = dead(&alive);
        if (alive == own && (own == 1 || count == 0))
            break;
    }
    return printf("zombies %d\n", count), 0;
}

static int eat(int mebibytes)
{
    for (int i = 0; i < mebibytes; i++)
        memset(malloc(1 << 20), 1, 1 << 20);
    puts("ready");
    pause();
    return 0;
}

static int wait_for_ever(void)
{
    puts("ready");
    for (;;)
        pause();
}

int main(int count, char **words)
{
    const char *what = count > 1 ? words[1] : "facts", *more = count > 2 ? words[2] : "";
    setvbuf(stdout, 0, _IOLBF, 0);
    if (!strcmp(what, "exit"))
        return atoi(more);
    if (!strcmp(what, "abort"))
        signal(SIGABRT, SIG_DFL), kill(getpid(), SIGKILL), abort();
    if (!strcmp(what, "both"))
        return puts("to stdout"), fputs("to stderr\n", stderr), 0;
    if (!strcmp(what, "show"))
        return show(more);
    if (!strcmp(what, "list"))
        return list(more);
    if (!strcmp(what, "put"))
        return put(more);
    if (!strcmp(what, "eat"))
        return eat(atoi(more));
    if (!strcmp(what, "say"))
        return puts("before"), sleep(atoi(more)), puts("after"), 4;
    if (!strcmp(what, "flood"))
        for (int i = 0; i < 200000; i++)
            printf("line %d\n", i);
    if (!strcmp(what, "stubborn"))
        return signal(SIGTERM, SIG_IGN), wait_for_ever();
    if (!strcmp(what, "zombies"))
        return zombies();
    if (!strcmp(what, "idle"))
        return wait_for_ever();
    signal(SIGTERM, on_signal);
    signal(SIGUSR1, on_signal);
    if (!strcmp(what, "wait"))
        return wait_for_ever();
    if (!strcmp(what, "orphans") && fork() == 0)
        return wait_for_ever();
    if (!strcmp(what, "serve"))
        return serve(atoi(more), 60);
    return strcmp(what, "facts") ? 0 : facts();
}
