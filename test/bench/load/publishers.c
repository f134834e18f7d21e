// Publishers: each sends the clip over and over in real time, one tag a write as encoders do, from a random key frame
// and at its own moment; or, with an epoch, at the place where the clip would be had it begun then, so that several
// programs publish frames with the same times at the same moment. With turns each goes on under another name again and
// again; half of them leave as encoders do that end well, the others by reset.
#include "load.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "samples.h"

struct publisher {
  int fd;
  enum { CONNECTING, WATCHED, WAITING, GONE } state;
  bool sending;
  double lost_at, rejoin_at;  // lost_at: 0 while it sends
  struct turn turn;           // with turns
  struct rtmp rtmp;
  double round_began_ms;  // when the clip's present round began
  double clock_began_ms;  // the moment that is time 0 of its stream
  size_t next;            // tag
};

static struct options options;
static struct clip clip;
static struct publisher *all;
static int started;
static uint64_t sent_payload, sent_messages;
static struct samples lateness, back;
static int cut;  // connections that were accepted and then lost
static uint64_t turns_begun, turns_failed;
static char first_error[256];

static void open_publishers(const struct options *o) {
  options = *o;
  options.turns.slots = o->count;
  clip_load(&clip, o->file);
  all = calloc((size_t)o->count, sizeof *all);
}

static bool has_turns(void) { return options.turns.length_ms > 0; }

static void connect_publisher(struct publisher *p) {
  p->state = CONNECTING;
  p->fd = connect_to(&options.target, 0, p);
  if (options.rejoin) notice_silence(p->fd);
  if (!has_turns()) return;
  p->turn = turn_of(&options.turns, (int)(p - all), now_ms());
  turns_begun++;
}

static void start_publisher(int i) {
  if (has_turns()) {  // the present turn may be about to end
    all[i].state = WAITING;
    all[i].rejoin_at = turn_of(&options.turns, i, now_ms()).ends_at;
  } else {
    connect_publisher(&all[i]);
  }
  started = i + 1;
}

static void lose(struct publisher *p, const char *why) {
  if (!first_error[0]) snprintf(first_error, sizeof first_error, "publisher: %s", why);
  close(p->fd);
  if (has_turns()) {  // with the next turn it tries again
    p->state = WAITING;
    p->rejoin_at = p->turn.ends_at;
    p->sending = false;
    turns_failed++;
    return;
  }
  p->state = GONE;
  if (!options.rejoin) return;
  p->state = WAITING;
  p->rejoin_at = now_ms() + REJOIN_MS;
  if (!p->lost_at && p->sending) {
    p->lost_at = now_ms();
    cut++;
  }
  p->sending = false;
}

// Sends what is waiting; what the server does not take stays for when the socket can be written to.
static void flush_out(struct publisher *p) {
  struct buffer *out = &p->rtmp.out;
  if (!out->length) return;
  ssize_t n = send(p->fd, out->data, out->length, 0);
  if (n < 0 && errno != EAGAIN) {
    lose(p, strerror(errno));
    return;
  }
  if (n > 0) buffer_consume(out, (size_t)n);
  if (out->length) watch_for(p->fd, p, EPOLLIN | EPOLLOUT);
}

static void end_turn(struct publisher *p) {
  bool cleanly = lrand48() % 2 && p->state == WATCHED;
  if (!p->sending) {
    turns_failed++;
    if (!first_error[0]) snprintf(first_error, sizeof first_error, "publisher: name %d was not accepted", p->turn.name);
  }
  if (cleanly) {
    rtmp_leave(&p->rtmp);
    (void)!send(p->fd, p->rtmp.out.data, p->rtmp.out.length, 0);
  }
  disconnect(p->fd, cleanly);
  p->state = WAITING;
  p->rejoin_at = p->turn.ends_at;
  p->sending = false;
}

static void send_header(struct publisher *p, struct rtmp_message m, double now) {
  if (!m.length) return;
  m.timestamp = (uint32_t)(now > p->clock_began_ms ? now - p->clock_began_ms : 0);
  rtmp_send_media(&p->rtmp, &m);
}

static void begin(struct publisher *p) {
  double now = now_ms(), epoch = options.epoch_ms ? options.epoch_ms : now - drand48() * clip.duration_ms;
  p->round_began_ms = epoch + floor((now - epoch) / clip.duration_ms) * clip.duration_ms;
  p->next = 0;
  while (p->next < clip.count && (p->round_began_ms + clip.tags[p->next].timestamp < now || !flv_is_key_frame(&clip.tags[p->next])))
    p->next++;
  if (p->next == clip.count) {
    p->next = 0;
    p->round_began_ms += clip.duration_ms;
  }
  double first = p->round_began_ms + clip.tags[p->next].timestamp;
  p->clock_began_ms = options.epoch_ms ? options.epoch_ms : first;
  send_header(p, clip.metadata, first);
  send_header(p, clip.video_header, first);
  send_header(p, clip.audio_header, first);
  p->sending = true;
  if (p->lost_at) samples_add(&back, now - p->lost_at);
  p->lost_at = 0;
}

static void send_tag(struct publisher *p, double due) {
  struct rtmp_message m = clip.tags[p->next];
  m.timestamp = (uint32_t)llround(due - p->clock_began_ms);
  rtmp_send_media(&p->rtmp, &m);
  if (m.type == RTMP_VIDEO && m.length > 5 + STAMP_BYTES && m.length % p->rtmp.out_chunk >= STAMP_BYTES) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    uint64_t ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
    uint8_t *end = p->rtmp.out.data + p->rtmp.out.length;
    memcpy(end - STAMP_BYTES, STAMP_MARK, 8);
    for (int i = 1; i <= 8; i++, ns >>= 8) end[-i] = (uint8_t)ns;
  }
  flush_out(p);
  sent_payload += m.length;
  sent_messages++;
  if (++p->next < clip.count) return;
  p->next = 0;
  p->round_began_ms += clip.duration_ms;
}

static void ignore_media(void *context, const struct rtmp_message *message) {
  (void)context;
  (void)message;
}

static void on_event(void *connection, uint32_t events) {
  static uint8_t bytes[1 << 16];
  struct publisher *p = connection;
  if (p->state == WAITING || p->state == GONE) return;  // it has lost its connection since this was told
  if (p->state == CONNECTING) {
    int error = 0;
    getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
    if (error) {
      lose(p, strerror(error));
      return;
    }
    setsockopt(p->fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &(int){1}, sizeof(int));
    char name[300];
    stream_name(name, sizeof name, options.target.stream, has_turns() ? p->turn.name : (int)(p - all));
    rtmp_start(&p->rtmp, true, options.target.host_and_port, options.target.app, name, options.chunk_size);
    p->state = WATCHED;
    watch_for(p->fd, p, EPOLLIN);
    flush_out(p);
    return;
  }
  if (events & EPOLLOUT) {
    watch_for(p->fd, p, EPOLLIN);
    flush_out(p);
  }
  if (p->state != WATCHED || !(events & ~(uint32_t)EPOLLOUT)) return;
  ssize_t n = recv(p->fd, bytes, sizeof bytes, 0);
  if (n < 0 && errno == EAGAIN) return;
  if (n <= 0) {
    lose(p, n == 0 ? "the server closed the connection" : strerror(errno));
    return;
  }
  if (!rtmp_feed(&p->rtmp, bytes, (size_t)n, ignore_media, p)) {
    lose(p, p->rtmp.error);
    return;
  }
  if (p->rtmp.phase == RTMP_RUNNING && !p->sending) begin(p);
  flush_out(p);
}

static void on_tick(double now) {
  for (int i = 0; i < started; i++) {
    struct publisher *p = &all[i];
    if (p->state == WAITING && now >= p->rejoin_at) {
      rtmp_free_buffers(&p->rtmp);
      buffer_free(&p->rtmp.out);
      connect_publisher(p);
    }
    if (has_turns() && p->state != WAITING && now >= p->turn.ends_at) end_turn(p);
    while (p->state == WATCHED && p->sending && !p->rtmp.out.length) {
      double due = p->round_began_ms + clip.tags[p->next].timestamp;
      if (due > now) break;
      samples_add(&lateness, now - due);
      send_tag(p, due);
    }
  }
}

static void report(double window_ms) {
  int sending = 0, gone = 0;
  for (int i = 0; i < started; i++) {
    sending += all[i].sending && all[i].state == WATCHED;
    gone += all[i].state == GONE;
  }
  printf("{\"seconds\":%.4f,\"count\":%d,\"sending\":%d,\"gone\":%d,\"payloadBytes\":%lu,\"messages\":%lu,",
         window_ms / 1000, options.count, sending, gone, sent_payload, sent_messages);
  samples_print(&lateness, "lateMs");
  printf("\"turns\":%lu,\"turnsFailed\":%lu,", turns_begun, turns_failed);
  printf("\"cut\":%d,", cut);
  samples_print(&back, "back");
  back.count = 0;
  printf("\"error\":\"%s\"}\n", first_error);
  sent_payload = sent_messages = 0;
  lateness.count = 0;
}

const struct role publishers = {open_publishers, start_publisher, on_event, on_tick, report, 1};
