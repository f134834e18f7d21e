// Players. Each is watched (epoll, all it receives is parsed) until it has shown its first picture and had 20 KB; then
// only the sample goes on being watched, and the others are swept: every 100 ms the kernel is told to throw away what
// has come for them. Bytes are counted and acknowledged for all.
#include "load.h"
#include "arrivals.h"
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include "samples.h"
#include "tls.h"

enum { TICK_MS = 5, SWEEP_MS = 100, JOINED_BYTES = 20000 };

static const char WEBSOCKET_HEADERS[] =
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIGxvYWQgcGxheWVyLg==\r\n";

struct player {
  int fd;
  enum { CONNECTING, SHAKING, WATCHED, SWEPT, WAITING, GONE } state;
  bool sampled, reference;
  struct tls *tls;  // NULL without TLS
  union {
    struct rtmp *rtmp;
    struct http_flv *http;
  };
  double connected_at, first_frame_at, joined_at;
  double lost_at, rejoin_at;  // lost_at: 0 while it is served
  double last_media_at, worst_gap_ms;  // in this window
  uint64_t bytes, window_bytes;
  uint32_t last_time[2];  // of audio and video
  bool seen[2];
};

static struct options options;
static struct player *all, reference;
static int started, sweep_next;
static struct samples handshake, first_frame, first_20k, back, gaps;
static int resumed;  // TLS sessions taken up again
static int cut;  // connections that were served and then lost
static char first_error[256];
static struct {
  uint64_t audio, video, key_frames, backwards;
  uint32_t worst_step_ms;
} seen;
static double moment;  // when the bytes being parsed were received

static void open_players(const struct options *o) {
  options = *o;
  all = calloc((size_t)o->count, sizeof *all);
  arrivals_open();
  if (!o->has_reference) return;
  reference = (struct player){.reference = true, .sampled = true, .connected_at = now_ms()};
  reference.fd = connect_to(&o->reference, 0, &reference);
}

static void start_player(int i) {
  struct player *p = &all[i];
  // The sample is spread evenly over all players, whatever order the server serves them in.
  p->sampled = (long)i * options.sample / options.count != (long)(i + 1) * options.sample / options.count;
  p->connected_at = now_ms();
  p->fd = connect_to(&options.target, (int)(p - all) % options.servers, p);
  if (options.rejoin) notice_silence(p->fd);
  started = i + 1;
}

static void lose(struct player *p, const char *why) {
  if (!first_error[0]) snprintf(first_error, sizeof first_error, "%s: %s", p->reference ? "reference" : "player", why);
  close(p->fd);
  tls_free(p->tls);
  p->tls = NULL;
  if (!options.rejoin || p->reference) {
    p->state = GONE;
    return;
  }
  p->state = WAITING;
  p->rejoin_at = now_ms() + REJOIN_MS;
  if (!p->lost_at && p->first_frame_at) {
    p->lost_at = now_ms();
    cut++;
  }
  p->first_frame_at = p->joined_at = 0;
  p->seen[0] = p->seen[1] = false;  // its times begin anew
}

static void come_back(struct player *p) {
  if (options.target.scheme == SCHEME_RTMP && p->rtmp) {
    rtmp_free_buffers(p->rtmp);
    buffer_free(&p->rtmp->out);
    free(p->rtmp);
    p->rtmp = NULL;
  } else if (options.target.scheme == SCHEME_HTTP && p->http) {
    buffer_free(&p->http->in);
    buffer_free(&p->http->body);
    free(p->http);
    p->http = NULL;
  }
  p->connected_at = now_ms();
  p->state = CONNECTING;
  p->fd = connect_to(&options.target, (int)(p - all) % options.servers, p);
  if (options.rejoin) notice_silence(p->fd);
}

static ssize_t send_bytes(struct player *p, const void *bytes, size_t count) {
  return p->tls ? tls_send(p->tls, bytes, count) : send(p->fd, bytes, count, 0);
}

static void send_out(struct player *p, struct buffer *out) {
  if (out->length && send_bytes(p, out->data, out->length) < (ssize_t)out->length) lose(p, "does not take commands");
  out->length = 0;
}

static const struct target *target_of(const struct player *p) {
  return p->reference ? &options.reference : &options.target;
}

// Asks for the stream.
static void greet(struct player *p) {
  const struct target *t = target_of(p);
  char name[300], request[512];
  stream_name(name, sizeof name, t->stream, p->reference ? 0 : (int)((p - all) % options.streams));
  p->state = WATCHED;
  watch_for(p->fd, p, EPOLLIN);
  switch (t->scheme) {
    case SCHEME_RTMP:
      p->rtmp = malloc(sizeof *p->rtmp);
      rtmp_start(p->rtmp, false, t->host_and_port, t->app, name, 128);
      send_out(p, &p->rtmp->out);
      break;
    case SCHEME_HTTP:
      p->http = calloc(1, sizeof *p->http);
      p->http->websocket = t->websocket;
      int length = snprintf(request, sizeof request, "GET /%s HTTP/1.1\r\nHost: %s\r\n%s\r\n", name, t->host_and_port,
                            t->websocket ? WEBSOCKET_HEADERS : "");
      if (send_bytes(p, request, (size_t)length) < length) lose(p, "does not take the request");
      break;
    case SCHEME_RAW:
      break;
  }
}

static void shake_hands(struct player *p) {
  switch (tls_shake_hands(p->tls)) {
    case TLS_WANTS_READ:
      watch_for(p->fd, p, EPOLLIN);
      break;
    case TLS_WANTS_WRITE:
      watch_for(p->fd, p, EPOLLOUT);
      break;
    case TLS_FAILED:
      lose(p, "the TLS handshake failed");
      break;
    case TLS_DONE:
      samples_add(&handshake, now_ms() - p->connected_at);
      resumed += tls_was_resumed(p->tls);
      greet(p);
      break;
  }
}

static void on_connected(struct player *p) {
  int error = 0;
  getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if (error) {
    lose(p, strerror(error));
  } else if (target_of(p)->tls) {
    p->tls = tls_start(p->fd);
    p->state = SHAKING;
    shake_hands(p);
  } else {
    greet(p);
  }
}

static void on_media(void *context, const struct rtmp_message *m) {
  struct player *p = context;
  int video = m->type == RTMP_VIDEO;
  if (m->type == RTMP_DATA || flv_is_sequence_header(m)) return;
  if (p->last_media_at && moment - p->last_media_at > p->worst_gap_ms) p->worst_gap_ms = moment - p->last_media_at;
  p->last_media_at = moment;
  if (p->lost_at) {
    samples_add(&back, moment - p->lost_at);
    p->lost_at = 0;
  }
  if (video && flv_is_key_frame(m) && !p->first_frame_at) {
    p->first_frame_at = moment;
    if (!p->reference) samples_add(&first_frame, moment - p->connected_at);
  }
  if (video && m->length > STAMP_BYTES && p->sampled) {
    const uint8_t *stamp = m->payload + m->length - STAMP_BYTES;
    if (!memcmp(stamp, STAMP_MARK, 8)) arrivals_add(p->reference, read_be(stamp + 8, 8), moment);
  }
  if (!p->sampled || p->reference) return;
  seen.audio += !video;
  seen.video += video;
  seen.key_frames += flv_is_key_frame(m);
  if (p->seen[video]) {
    if (m->timestamp < p->last_time[video]) seen.backwards++;
    else if (m->timestamp - p->last_time[video] > seen.worst_step_ms) seen.worst_step_ms = m->timestamp - p->last_time[video];
  }
  p->seen[video] = true;
  p->last_time[video] = m->timestamp;
}

static void sweep_from_now_on(struct player *p) {
  epoll_ctl(epoll, EPOLL_CTL_DEL, p->fd, NULL);
  p->state = SWEPT;
  if (options.target.scheme == SCHEME_RTMP) {
    rtmp_free_buffers(p->rtmp);
  } else if (options.target.scheme == SCHEME_HTTP) {
    buffer_free(&p->http->in);
    buffer_free(&p->http->body);
  }
}

static void on_bytes(struct player *p, const uint8_t *bytes, size_t count) {
  switch (target_of(p)->scheme) {
    case SCHEME_RTMP:
      if (!rtmp_feed(p->rtmp, bytes, count, on_media, p)) {
        lose(p, p->rtmp->error);
        return;
      }
      send_out(p, &p->rtmp->out);
      break;
    case SCHEME_HTTP:
      if (!http_flv_feed(p->http, bytes, count, on_media, p)) {
        lose(p, p->http->error);
        return;
      }
      break;
    case SCHEME_RAW:
      if (!p->first_frame_at) p->first_frame_at = moment;
      break;
  }
  if (!p->joined_at && p->first_frame_at && p->bytes >= JOINED_BYTES) {
    p->joined_at = moment;
    if (!p->reference) samples_add(&first_20k, moment - p->connected_at);
  }
  if (p->state == WATCHED && p->joined_at && !p->sampled) sweep_from_now_on(p);
}

static void on_event(void *connection, uint32_t events) {
  static uint8_t bytes[1 << 18];
  struct player *p = connection;
  (void)events;
  if (p->state == CONNECTING) {
    on_connected(p);
    return;
  }
  if (p->state == SHAKING) {
    shake_hands(p);
    return;
  }
  // TLS may hold more than what was asked for, and nobody tells of that.
  do {
    ssize_t n = p->tls ? tls_receive(p->tls, bytes, sizeof bytes) : recv(p->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      lose(p, n == 0 ? "the server closed the connection" : strerror(errno));
      return;
    }
    moment = now_ms();
    p->bytes += (uint64_t)n;
    p->window_bytes += (uint64_t)n;
    on_bytes(p, bytes, (size_t)n);
  } while (p->tls && p->state == WATCHED);
}

// Throws away what has come for one player: MSG_TRUNC on TCP discards in the kernel, without a copy.
static void sweep(struct player *p) {
  ssize_t n = recv(p->fd, NULL, 1 << 24, MSG_TRUNC | MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    lose(p, n == 0 ? "the server closed the connection" : strerror(errno));
    return;
  }
  p->bytes += (uint64_t)n;
  p->window_bytes += (uint64_t)n;
  if (options.target.scheme != SCHEME_RTMP) return;
  rtmp_discarded(p->rtmp, (size_t)n);
  send_out(p, &p->rtmp->out);
}

static void on_tick(double now) {
  for (int i = 0; options.rejoin && i < started; i++)
    if (all[i].state == WAITING && now >= all[i].rejoin_at) come_back(&all[i]);
  // A twentieth of the players at a time, so that the watched ones never wait long.
  int batch = (options.count * TICK_MS + SWEEP_MS - 1) / SWEEP_MS;
  for (int i = 0; i < batch && started > 0; i++) {
    sweep_next = sweep_next + 1 < started ? sweep_next + 1 : 0;
    if (all[sweep_next].state == SWEPT) sweep(&all[sweep_next]);
  }
}

static void report(double window_ms) {
  uint64_t bytes = 0, least = UINT64_MAX;
  int playing = 0, gone = 0, sampled = 0;
  double worst_gap = 0;
  gaps.count = 0;
  double now = now_ms();
  for (int i = 0; i < started; i++) {
    struct player *p = &all[i];
    bytes += p->window_bytes;
    playing += p->joined_at > 0 && p->state != GONE;
    gone += p->state == GONE;
    sampled += p->sampled;
    // One that is gone waits for nothing.
    if (p->state != GONE && p->window_bytes < least) least = p->window_bytes;
    p->window_bytes = 0;
    if (!p->sampled || p->state == GONE) continue;
    double silent = p->last_media_at ? now - p->last_media_at : 0;  // a gap that has not ended counts too
    if (silent > p->worst_gap_ms) p->worst_gap_ms = silent;
    if (p->worst_gap_ms > worst_gap) worst_gap = p->worst_gap_ms;
    samples_add(&gaps, p->worst_gap_ms);
    p->worst_gap_ms = 0;
  }
  printf("{\"seconds\":%.4f,\"count\":%d,\"playing\":%d,\"gone\":%d,\"bytes\":%lu,\"leastBytes\":%lu,", window_ms / 1000,
         options.count, playing, gone, bytes, least == UINT64_MAX ? 0 : least);
  printf("\"sampled\":%d,\"audio\":%lu,\"video\":%lu,\"keyFrames\":%lu,\"backwards\":%lu,\"worstStepMs\":%u,", sampled,
         seen.audio, seen.video, seen.key_frames, seen.backwards, seen.worst_step_ms);
  printf("\"worstGapMs\":%.3f,", worst_gap);
  samples_print(&gaps, "gap");
  printf("\"cut\":%d,", cut);
  samples_print(&back, "back");
  back.count = 0;
  samples_print(&handshake, "handshake");
  printf("\"resumed\":%d,", resumed);
  samples_print(&first_frame, "firstFrame");
  samples_print(&first_20k, "first20k");
  arrivals_print();
  printf("\"error\":\"%s\"}\n", first_error);
  memset(&seen, 0, sizeof seen);
}

const struct role players = {open_players, start_player, on_event, on_tick, report, TICK_MS};
