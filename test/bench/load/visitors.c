// Visitors: players who come, play for some seconds, leave, and come again for another name. Half of them leave as
// programs do that end well, the others by reset. Some ask for a name that nobody publishes.
#include "load.h"
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  TICK_MS = 10,
  SETTLED_MS = 1000,  // a name is asked for when it has been published for so long,
  PICTURE_MS = 3000,  // and by then there must be a picture
  TURN_MIN_MS = 6000, // some publisher of a few is always far enough from both ends of its turn
  PATIENCE = 3,       // so many times longer stays who sees nothing: servers take their time to say so
  AWAY_MS = 50,       // between two visits
};

struct visitor {
  int fd;
  enum { AWAY, CONNECTING, WATCHED } state;
  bool missing;  // it asks for a name that nobody publishes
  bool has_picture;
  double came_at, leaves_at;  // AWAY: when it comes
  double name_ends_at;
  int name;
  struct rtmp rtmp;
  struct http_flv http;
};

static struct options options;
static struct visitor *all;
static int started;
static uint64_t visits, pictures, unknown, failed, received;
static char first_error[256];

static void open_visitors(const struct options *o) {
  options = *o;
  if (o->turns.slots < 4 || o->turns.names < 2 || o->turns.length_ms < TURN_MIN_MS) {
    fprintf(stderr, "load: visitors need --slots (4 or more), --names and a --turn of %d ms or more\n", TURN_MIN_MS);
    exit(1);
  }
  all = calloc((size_t)o->count, sizeof *all);
}

static void choose_name(struct visitor *v, double now) {
  const struct turns *turns = &options.turns;
  struct turn turn;
  do turn = turn_of(turns, (int)(lrand48() % turns->slots), now);
  while (now - turn.begins_at < SETTLED_MS || turn.ends_at - now < PICTURE_MS);
  v->missing = lrand48() % 100 < options.missing;
  // A name from the other side of the round is published by nobody now.
  v->name = v->missing ? (turn.name + turns->names / 2) % turns->names : turn.name;
  v->name_ends_at = turn.ends_at;
}

static void come(struct visitor *v, double now) {
  choose_name(v, now);
  v->has_picture = false;
  v->came_at = now;
  v->leaves_at = now + options.stay_ms * (0.2 + 1.6 * drand48()) * (v->missing ? PATIENCE : 1);
  v->state = CONNECTING;
  v->fd = connect_to(&options.target, 0, v);
  visits++;
}

static void start_visitor(int i) {
  come(&all[i], now_ms());
  started = i + 1;
}

static void go_away(struct visitor *v) {
  if (options.target.scheme == SCHEME_RTMP) {
    rtmp_free_buffers(&v->rtmp);
    buffer_free(&v->rtmp.out);
  } else {
    buffer_free(&v->http.in);
    buffer_free(&v->http.body);
  }
  v->state = AWAY;
  v->leaves_at = now_ms() + AWAY_MS;
}

static void fail(const struct visitor *v, const char *why) {
  failed++;
  if (first_error[0]) return;
  snprintf(first_error, sizeof first_error, "name %d%s, after %.0f ms: %s", v->name, v->missing ? " (nobody's)" : "",
           now_ms() - v->came_at, why);
}

// The server has ended the visit. It may do so where the name is nobody's, or not published any more.
static void lose(struct visitor *v, const char *why) {
  if (v->missing) unknown++;
  else if (now_ms() < v->name_ends_at) fail(v, why);
  close(v->fd);
  go_away(v);
}

static void send_out(struct visitor *v) {
  struct buffer *out = &v->rtmp.out;
  if (out->length && send(v->fd, out->data, out->length, 0) < (ssize_t)out->length) lose(v, "does not take commands");
  out->length = 0;
}

static void leave_now(struct visitor *v, double now) {
  if (!v->missing && !v->has_picture && now - v->came_at >= PICTURE_MS) fail(v, "no picture");
  bool cleanly = lrand48() % 2;
  if (cleanly && options.target.scheme == SCHEME_RTMP && v->state == WATCHED) {
    rtmp_leave(&v->rtmp);
    (void)!send(v->fd, v->rtmp.out.data, v->rtmp.out.length, 0);
  }
  disconnect(v->fd, cleanly);
  go_away(v);
}

static void on_media(void *context, const struct rtmp_message *m) {
  struct visitor *v = context;
  if (v->has_picture || !flv_is_key_frame(m)) return;
  v->has_picture = true;
  pictures++;
  if (v->missing) fail(v, "a picture of what nobody publishes");
}

// Asks for the stream.
static void greet(struct visitor *v) {
  const struct target *t = &options.target;
  char name[300], request[512];
  int error = 0;
  getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if (error) {
    lose(v, strerror(error));
    return;
  }
  stream_name(name, sizeof name, t->stream, v->name);
  v->state = WATCHED;
  watch_for(v->fd, v, EPOLLIN);
  if (t->scheme == SCHEME_RTMP) {
    rtmp_start(&v->rtmp, false, t->host_and_port, t->app, name, 128);
    send_out(v);
    return;
  }
  v->http = (struct http_flv){0};
  int length = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: %s\r\n\r\n", name, t->host_and_port);
  if (send(v->fd, request, (size_t)length, 0) < length) lose(v, "does not take the request");
}

static void on_event(void *connection, uint32_t events) {
  static uint8_t bytes[1 << 18];
  struct visitor *v = connection;
  (void)events;
  if (v->state == AWAY) return;  // it has left since this was told
  if (v->state == CONNECTING) {
    greet(v);
    return;
  }
  ssize_t n = recv(v->fd, bytes, sizeof bytes, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    lose(v, n == 0 ? "the server closed the connection" : strerror(errno));
    return;
  }
  received += (uint64_t)n;
  if (options.target.scheme == SCHEME_RTMP) {
    if (rtmp_feed(&v->rtmp, bytes, (size_t)n, on_media, v)) send_out(v);
    else lose(v, v->rtmp.error);
  } else if (!http_flv_feed(&v->http, bytes, (size_t)n, on_media, v)) {
    lose(v, v->http.error);
  }
}

static void on_tick(double now) {
  for (int i = 0; i < started; i++) {
    struct visitor *v = &all[i];
    if (now < v->leaves_at) continue;
    if (v->state == AWAY) come(v, now);
    else leave_now(v, now);
  }
}

static void report(double window_ms) {
  int here = 0, gone = 0;
  for (int i = 0; i < started; i++) here += all[i].state == WATCHED;
  printf("{\"seconds\":%.4f,\"count\":%d,\"here\":%d,\"gone\":%d,\"bytes\":%lu,", window_ms / 1000, options.count, here,
         gone, received);
  printf("\"visits\":%lu,\"pictures\":%lu,\"unknown\":%lu,\"failed\":%lu,\"error\":\"%s\"}\n", visits, pictures, unknown,
         failed, first_error);
  received = 0;
}

const struct role visitors = {open_visitors, start_visitor, on_event, on_tick, report, TICK_MS};
