// The floor of the benchmark: what it costs to write these bytes to these sockets at this rhythm, and nothing else.
// Accepts any number of connections, reads nothing, and each 350 ms writes the next slice of FILE to every one of them.
//
//   floor PORT BYTES_PER_SECOND FILE
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { SLICE_MS = 350, MAX_SOCKETS = 20000 };

int main(int argc, char **argv) {
  if (argc < 4) return fprintf(stderr, "usage: floor PORT BYTES_PER_SECOND FILE\n"), 2;
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files = {MAX_SOCKETS, MAX_SOCKETS};
  setrlimit(RLIMIT_NOFILE, &files);

  int file = open(argv[3], O_RDONLY);
  struct stat info;
  if (file < 0 || fstat(file, &info) < 0) return perror(argv[3]), 1;
  size_t size = (size_t)info.st_size, slice = (size_t)(atof(argv[2]) * SLICE_MS / 1000), at = 0;
  uint8_t *bytes = malloc(size);
  if (read(file, bytes, size) < (ssize_t)size || size < slice) return fprintf(stderr, "%s is too short\n", argv[3]), 1;

  int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 4096) < 0)
    return perror("listen"), 1;

  int timer = timerfd_create(CLOCK_MONOTONIC, 0);
  struct timespec period = {0, SLICE_MS * 1000000};
  timerfd_settime(timer, 0, &(struct itimerspec){period, period}, NULL);
  int epoll = epoll_create1(0);
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
  epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.fd = timer});

  static int sockets[MAX_SOCKETS];
  int count = 0;
  for (struct epoll_event e;;) {
    if (epoll_wait(epoll, &e, 1, -1) < 1) continue;
    if (e.data.fd == listener) {
      int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
      if (fd >= 0 && count < MAX_SOCKETS) sockets[count++] = fd;
      continue;
    }
    uint64_t ticks;
    if (read(timer, &ticks, sizeof ticks) < 0) continue;
    while (ticks-- > 0) {
      if (at + slice > size) at = 0;
      for (int i = 0; i < count; i++)
        if (send(sockets[i], bytes + at, slice, MSG_DONTWAIT) < 0) continue;  // gone or slow: the load will tell
      at += slice;
    }
  }
}
