/* Binds a port that ordinary users may not have, on an address of this machine that nobody else has. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
    int yes = 1, server = socket(AF_INET, SOCK_STREAM, 0);
    inet_pton(AF_INET, "127.80.80.80", &address.sin_addr);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(server, (struct sockaddr *)&address, sizeof address))
        return perror("bind"), 1;
    return printf("%d has port 80\n", getuid()), 0;
}
