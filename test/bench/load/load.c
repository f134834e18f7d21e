// The load of the benchmark: thousands of RTMP or HTTP-FLV players, or hundreds of RTMP publishers, in one process
// that costs little. It runs until its standard input ends; for each line "report" it prints a line of JSON about the
// time since the last one.
//
//   load play    --url URL --count N [--streams M] [--servers P] [--rate R] [--sample K] [--reference URL] [--rejoin 1]
//                                        [--resume 1]
//   load publish --url URL --count N --file CLIP.flv [--rate R] [--chunk-size C] [--epoch MS] [--rejoin 1]
//                                        [--turn MS --names M]
//   load visit   --url URL --count N --slots S --turn MS --names M --stay MS [--missing PERCENT] [--rate R]
//   load clip    --file CLIP.flv          prints what a second of the clip holds
//
// URL is rtmp://ADDRESS:PORT/APP/STREAM, http://ADDRESS:PORT/PATH or raw://ADDRESS:PORT, players' also rtmps://, https:// and ws://; `{}` stands for the stream's
// number: a publisher's own, a player's own modulo M. A player connects to the port that lies its number modulo P above
// PORT. With --turn each publisher goes over to another of M names at that interval (turns.h), and visitors play what
// S such publishers publish.
#include "load.h"
#include "tls.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

int epoll;

static void die(const char *what, const char *detail) {
  fprintf(stderr, "load: %s%s\n", what, detail);
  exit(1);
}

double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void stream_name(char *name, size_t size, const char *pattern, int number) {
  const char *hole = strstr(pattern, "{}");
  if (hole)
    snprintf(name, size, "%.*s%d%s", (int)(hole - pattern), pattern, number, hole + 2);
  else
    snprintf(name, size, "%s", pattern);
}

void watch_for(int fd, void *connection, uint32_t events) {
  struct epoll_event e = {.events = events, .data.ptr = connection};
  epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &e);
}

// Those who come back notice that a server is gone without a word, as players and encoders do: by TCP, in 30 s.
void notice_silence(int fd) {
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){15}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){5}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){3}, sizeof(int));
  setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &(int){30000}, sizeof(int));
}

void disconnect(int fd, bool cleanly) {
  if (cleanly) {
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){0}, sizeof(struct linger));
    shutdown(fd, SHUT_WR);
  }
  close(fd);
}

int connect_to(const struct target *target, int server, void *connection) {
  struct sockaddr_in address = target->address;
  address.sin_port = htons((uint16_t)(ntohs(address.sin_port) + server));
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) die("no more sockets: ", strerror(errno));
  // Ends by reset: thousands of closed connections would otherwise keep their ports for a minute.
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
  if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
    die("cannot connect: ", strerror(errno));
  struct epoll_event e = {.events = EPOLLOUT, .data.ptr = connection};
  epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  return fd;
}

static struct target parse_url(const char *url) {
  struct target t = {.address.sin_family = AF_INET};
  char scheme[8] = "", host[40] = "", path[380] = "";
  int port = 0;
  if (sscanf(url, "%7[a-z]://%39[0-9.]:%d/%379s", scheme, host, &port, path) < 3) die("not a URL I can use: ", url);
  t.tls = !strcmp(scheme, "rtmps") || !strcmp(scheme, "https");
  t.scheme = !strncmp(scheme, "rtmp", 4) ? SCHEME_RTMP : !strcmp(scheme, "raw") ? SCHEME_RAW : SCHEME_HTTP;
  t.websocket = !strcmp(scheme, "ws");
  t.address.sin_port = htons((uint16_t)port);
  if (inet_pton(AF_INET, host, &t.address.sin_addr) != 1) die("not an IPv4 address: ", host);
  snprintf(t.host_and_port, sizeof t.host_and_port, "%s:%d", host, port);
  char *slash = strrchr(path, '/');
  if (t.scheme == SCHEME_RTMP && slash) {
    snprintf(t.app, sizeof t.app, "%.*s", (int)(slash - path), path);
    snprintf(t.stream, sizeof t.stream, "%.255s", slash + 1);
  } else {
    snprintf(t.stream, sizeof t.stream, "%.255s", path);
  }
  return t;
}

static struct options parse_options(int argc, char **argv) {
  struct options o = {.count = 1, .streams = 1, .servers = 1, .rate = 500, .chunk_size = 4096};
  for (int i = 2; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--url")) o.target = parse_url(value);
    else if (!strcmp(name, "--reference")) o.reference = parse_url(value), o.has_reference = true;
    else if (!strcmp(name, "--count")) o.count = atoi(value);
    else if (!strcmp(name, "--streams")) o.streams = atoi(value);
    else if (!strcmp(name, "--servers")) o.servers = atoi(value);
    else if (!strcmp(name, "--sample")) o.sample = atoi(value);
    else if (!strcmp(name, "--rate")) o.rate = atof(value);
    else if (!strcmp(name, "--rejoin")) o.rejoin = atoi(value) != 0;
    else if (!strcmp(name, "--resume")) o.resume = atoi(value) != 0;
    else if (!strcmp(name, "--file")) o.file = value;
    else if (!strcmp(name, "--chunk-size")) o.chunk_size = (uint32_t)atoi(value);
    else if (!strcmp(name, "--epoch")) o.epoch_ms = atof(value);
    else if (!strcmp(name, "--slots")) o.turns.slots = atoi(value);
    else if (!strcmp(name, "--names")) o.turns.names = atoi(value);
    else if (!strcmp(name, "--turn")) o.turns.length_ms = atof(value);
    else if (!strcmp(name, "--stay")) o.stay_ms = atof(value);
    else if (!strcmp(name, "--missing")) o.missing = atoi(value);
    else die("unknown option ", name);
  }
  return o;
}

static void print_clip(const char *path) {
  struct clip clip;
  clip_load(&clip, path);
  size_t payload = 0, frames = 0;
  for (size_t i = 0; i < clip.count; i++) {
    payload += clip.tags[i].length;
    frames += clip.tags[i].type == RTMP_VIDEO;
  }
  printf("{\"durationMs\":%u,\"payloadBytes\":%zu,\"messages\":%zu,\"frames\":%zu}\n", clip.duration_ms, payload,
         clip.count, frames);
}

static void run(const struct role *role, const struct options *o) {
  struct epoll_event events[512];
  int started = 0;
  double began = now_ms(), window = began, next_tick = began;
  role->open(o);
  for (;;) {
    int wait = (int)(next_tick - now_ms()) + 1;
    int n = epoll_wait(epoll, events, 512, wait < 0 ? 0 : wait);
    for (int i = 0; i < n; i++) {
      if (events[i].data.ptr) {
        role->event(events[i].data.ptr, events[i].events);
        continue;
      }
      char line[64];
      if (read(STDIN_FILENO, line, sizeof line) <= 0) return;
      double now = now_ms();
      role->report(now - window);
      fflush(stdout);
      window = now;
    }
    double now = now_ms();
    if (now < next_tick) continue;
    next_tick = now + role->tick_ms;
    while (started < o->count && started < (now - began) * o->rate / 1000) role->start(started++);
    role->tick(now);
  }
}

int main(int argc, char **argv) {
  const char *mode = argc > 1 ? argv[1] : "";
  struct options o = parse_options(argc, argv);
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_TIMERSLACK, 1);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (o.target.tls) tls_open(o.resume);
  epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event e = {.events = EPOLLIN};
  epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e);
  if (!strcmp(mode, "play")) run(&players, &o);
  else if (!strcmp(mode, "publish")) run(&publishers, &o);
  else if (!strcmp(mode, "visit")) run(&visitors, &o);
  else if (!strcmp(mode, "clip")) print_clip(o.file);
  else die("usage: load play|publish|visit|clip --url URL --count N …; see the first lines of load.c", "");
}
