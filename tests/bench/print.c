/*
 * The floor of a command: opens the daemon's socket, asks, prints. `bench-print SOCKET PATH`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    char text[8192];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (argc != 3 || strlen(argv[1]) >= sizeof(addr.sun_path)) {
        return EXIT_FAILURE;
    }
    strcpy(addr.sun_path, argv[1]);
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[2]);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        write(fd, text, (size_t)n) != n) {
        return EXIT_FAILURE;
    }
    ssize_t got = read(fd, text, sizeof(text));
    return got > 0 && write(STDOUT_FILENO, text, (size_t)got) == got ? EXIT_SUCCESS : EXIT_FAILURE;
}
