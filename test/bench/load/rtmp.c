// RTMP 1.0, client side. Section numbers below are those of Adobe's specification of 2012.
#define _GNU_SOURCE
#include "rtmp.h"
#include <stdio.h>

enum { HANDSHAKE_BYTES = 1536, TRANSACTION_CONNECT = 1, TRANSACTION_CREATE = 4, MAX_MESSAGE_BYTES = 16 << 20 };
enum { SET_CHUNK_SIZE = 1, ABORT = 2, ACKNOWLEDGEMENT = 3, USER_CONTROL = 4, WINDOW_SIZE = 5, COMMAND = 20 };
enum { CHANNEL_CONTROL = 2, CHANNEL_COMMAND = 3, CHANNEL_AUDIO = 4, CHANNEL_DATA = 5, CHANNEL_VIDEO = 6 };

// --- writing -------------------------------------------------------------------------------------------------------

// One message in chunks (§5.3.1). With `delta` the header is of type 1 and `time` is the difference to the last one.
static void write_message(struct rtmp *r, int channel, uint8_t type, bool delta, uint32_t time, uint32_t stream_id,
                          const uint8_t *payload, uint32_t length) {
  struct buffer *out = &r->out;
  bool extended = time >= 0xffffff;
  buffer_byte(out, (uint8_t)((delta ? 0x40 : 0) | channel));
  buffer_be(out, extended ? 0xffffff : time, 3);
  buffer_be(out, length, 3);
  buffer_byte(out, type);
  for (int i = 0; !delta && i < 4; i++) buffer_byte(out, (uint8_t)(stream_id >> (8 * i)));  // little endian, alone
  if (extended) buffer_be(out, time, 4);
  for (uint32_t at = 0; at < length; at += r->out_chunk) {
    if (at > 0) {
      buffer_byte(out, (uint8_t)(0xc0 | channel));
      if (extended) buffer_be(out, time, 4);
    }
    buffer_append(out, payload + at, length - at < r->out_chunk ? length - at : r->out_chunk);
  }
}

static void write_control(struct rtmp *r, uint8_t type, uint64_t value, int bytes) {
  uint8_t payload[8];
  for (int i = 0; i < bytes; i++) payload[i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
  write_message(r, CHANNEL_CONTROL, type, false, 0, 0, payload, (uint32_t)bytes);
}

static void amf_text(struct buffer *b, const char *text) {
  buffer_be(b, strlen(text), 2);
  buffer_append(b, text, strlen(text));
}

static void amf_string(struct buffer *b, const char *text) {
  buffer_byte(b, 2);
  amf_text(b, text);
}

static void amf_number(struct buffer *b, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  buffer_byte(b, 0);
  buffer_be(b, bits, 8);
}

static void amf_null(struct buffer *b) { buffer_byte(b, 5); }

static void send_command(struct rtmp *r, uint32_t stream_id, struct buffer *command) {
  write_message(r, CHANNEL_COMMAND, COMMAND, false, 0, stream_id, command->data, (uint32_t)command->length);
  buffer_free(command);
}

// A command without a command object, with up to two string arguments.
static void command(struct rtmp *r, uint32_t stream_id, const char *name, double transaction, const char *first,
                    const char *second) {
  struct buffer b = {0};
  amf_string(&b, name);
  amf_number(&b, transaction);
  amf_null(&b);
  if (first) amf_string(&b, first);
  if (second) amf_string(&b, second);
  send_command(r, stream_id, &b);
}

static void send_connect(struct rtmp *r) {
  const char *properties[][2] = {{"app", r->app}, {"flashVer", "LNX 9,0,124,2"}, {"tcUrl", r->tc_url}};
  struct buffer b = {0};
  amf_string(&b, "connect");
  amf_number(&b, TRANSACTION_CONNECT);
  buffer_byte(&b, 3);
  for (int i = 0; i < 3; i++) {
    amf_text(&b, properties[i][0]);
    amf_string(&b, properties[i][1]);
  }
  buffer_be(&b, 9, 3);  // end of object
  send_command(r, 0, &b);
}

void rtmp_start(struct rtmp *r, bool publishing, const char *host_and_port, const char *app, const char *stream,
                uint32_t out_chunk) {
  *r = (struct rtmp){.publishing = publishing, .in_chunk = 128, .out_chunk = 128, .announced_chunk = out_chunk};
  snprintf(r->app, sizeof r->app, "%s", app);
  snprintf(r->stream, sizeof r->stream, "%s", stream);
  snprintf(r->tc_url, sizeof r->tc_url, "rtmp://%s/%s", host_and_port, app);
  buffer_byte(&r->out, 3);
  memset(buffer_room(&r->out, HANDSHAKE_BYTES), 0, HANDSHAKE_BYTES);  // zeros in bytes 4-7: the simple handshake
  r->out.length += HANDSHAKE_BYTES;
}

static void after_handshake(struct rtmp *r) {
  buffer_append(&r->out, r->in.data + 1, HANDSHAKE_BYTES);  // C2 echoes S1
  if (r->publishing) {
    write_control(r, SET_CHUNK_SIZE, r->announced_chunk, 4);
    r->out_chunk = r->announced_chunk;
  }
  send_connect(r);
  r->phase = RTMP_CONNECTING;
}

static void after_connect(struct rtmp *r) {
  if (r->publishing) {
    command(r, 0, "releaseStream", 2, r->stream, NULL);
    command(r, 0, "FCPublish", 3, r->stream, NULL);
  } else {
    write_control(r, WINDOW_SIZE, 2500000, 4);
  }
  command(r, 0, "createStream", TRANSACTION_CREATE, NULL, NULL);
  r->phase = RTMP_CREATING;
}

static void after_create(struct rtmp *r) {
  if (r->publishing) {
    command(r, r->stream_id, "publish", 5, r->stream, "live");
  } else {
    command(r, r->stream_id, "play", 5, r->stream, NULL);
    uint64_t buffer_length = 3ull << 48 | (uint64_t)r->stream_id << 16;  // user control 3: 1,000 ms of buffer
    uint8_t payload[10];
    for (int i = 0; i < 6; i++) payload[i] = (uint8_t)(buffer_length >> (8 * (7 - i)));
    memcpy(payload + 6, "\0\0\003\350", 4);
    write_message(r, CHANNEL_CONTROL, USER_CONTROL, false, 0, 0, payload, sizeof payload);
  }
  r->phase = RTMP_STARTING;
}

void rtmp_leave(struct rtmp *r) {
  if (r->phase < RTMP_STARTING) return;
  if (r->publishing) command(r, 0, "FCUnpublish", 6, r->stream, NULL);
  struct buffer b = {0};
  amf_string(&b, "deleteStream");
  amf_number(&b, 7);
  amf_null(&b);
  amf_number(&b, r->stream_id);
  send_command(r, 0, &b);
}

void rtmp_send_media(struct rtmp *r, const struct rtmp_message *m) {
  if (m->type == RTMP_DATA) {
    write_message(r, CHANNEL_DATA, m->type, false, m->timestamp, r->stream_id, m->payload, m->length);
    return;
  }
  int i = m->type == RTMP_VIDEO;
  bool delta = r->sent[i] && m->timestamp >= r->last_sent[i];
  write_message(r, i ? CHANNEL_VIDEO : CHANNEL_AUDIO, m->type, delta,
                delta ? m->timestamp - r->last_sent[i] : m->timestamp, r->stream_id, m->payload, m->length);
  r->sent[i] = true;
  r->last_sent[i] = m->timestamp;
}

// --- reading -------------------------------------------------------------------------------------------------------

static void on_command(struct rtmp *r, const uint8_t *p, uint32_t length) {
  if (length < 12 || p[0] != 2) return;
  size_t name_length = read_be(p + 1, 2);
  if (3 + name_length + 9 > length) return;
  char name[32] = {0};
  memcpy(name, p + 3, name_length < 31 ? name_length : 31);
  uint64_t bits = read_be(p + 3 + name_length + 1, 8);
  double transaction;
  memcpy(&transaction, &bits, 8);
  if (!strcmp(name, "_result") && transaction == TRANSACTION_CONNECT) {
    after_connect(r);
  } else if (!strcmp(name, "_result") && transaction == TRANSACTION_CREATE) {
    double id;
    bits = read_be(p + length - 8, 8);  // the stream id is the last value
    memcpy(&id, &bits, 8);
    r->stream_id = (uint32_t)id;
    after_create(r);
  } else if (!strcmp(name, "_error") || memmem(p, length, "\002\000\005error", 8)) {
    if (transaction == 2 || transaction == 3) return;  // releaseStream and FCPublish may be refused: nobody minds
    const uint8_t *code = memmem(p, length, "\000\004code\002", 7);
    int code_length = code && code + 9 < p + length ? (int)read_be(code + 7, 2) : 0;
    if (code && code + 9 + code_length > p + length) code_length = 0;
    snprintf(r->error, sizeof r->error, "the server answers %s %.*s", name, code_length, code ? (char *)code + 9 : "");
  } else if (!strcmp(name, "onStatus") && r->phase == RTMP_STARTING && memmem(p, length, ".Start", 6)) {
    r->phase = RTMP_RUNNING;
  }
}

static void on_message(struct rtmp *r, const struct rtmp_message *m, rtmp_on_media on_media, void *context) {
  const uint8_t *p = m->payload;
  switch (m->type) {
    case SET_CHUNK_SIZE:
      if (m->length >= 4) r->in_chunk = (uint32_t)read_be(p, 4) & 0x7fffffff;
      if (r->in_chunk == 0) snprintf(r->error, sizeof r->error, "the server set a chunk size of 0");
      break;
    case ABORT:
      if (m->length >= 4 && read_be(p, 4) < 64) r->channels[read_be(p, 4)].payload.length = 0;
      break;
    case WINDOW_SIZE:
      if (m->length >= 4) r->window = (uint32_t)read_be(p, 4);
      break;
    case USER_CONTROL:
      if (m->length >= 6 && read_be(p, 2) == 6) write_control(r, USER_CONTROL, 7ull << 32 | read_be(p + 2, 4), 6);
      break;
    case COMMAND:
      on_command(r, p, m->length);
      break;
    case RTMP_AUDIO:
    case RTMP_VIDEO:
    case RTMP_DATA:
      on_media(context, m);
      break;
  }
}

// Takes one chunk from the front of `p`. Returns its bytes, or 0 when it is not all there yet.
static size_t take_chunk(struct rtmp *r, const uint8_t *p, size_t available, rtmp_on_media on_media, void *context) {
  static const uint8_t header_bytes[4] = {11, 7, 3, 0};
  if (available < 1) return 0;
  int format = p[0] >> 6, id = p[0] & 63;
  if (id < 2) {
    snprintf(r->error, sizeof r->error, "a chunk stream id above 63, which nothing known sends: out of step?");
    return 0;
  }
  struct rtmp_channel *c = &r->channels[id];
  const uint8_t *h = p + 1;
  size_t header = 1u + header_bytes[format];
  if (available < header) return 0;
  uint32_t time = format < 3 ? (uint32_t)read_be(h, 3) : c->delta;
  bool extended = format < 3 ? time == 0xffffff : c->extended;
  if (extended) {
    if (available < header + 4) return 0;
    time = (uint32_t)read_be(p + header, 4);
    header += 4;
  }
  bool begins = c->payload.length == 0;
  uint32_t length = format < 2 ? (uint32_t)read_be(h + 3, 3) : c->length;
  uint32_t left = length - (uint32_t)(begins ? 0 : c->payload.length);
  size_t body = left < r->in_chunk ? left : r->in_chunk;
  if (length > MAX_MESSAGE_BYTES || (!begins && format < 3)) {
    snprintf(r->error, sizeof r->error, "chunk stream out of step (header type %d, message of %u bytes)", format, length);
    return 0;
  }
  if (available < header + body) return 0;

  c->extended = extended;
  c->length = length;
  if (format < 2) c->type = h[6];
  if (begins) {
    c->delta = format == 0 ? 0 : format == 3 ? c->delta : time;
    c->timestamp = format == 0 ? time : c->timestamp + c->delta;
  }
  buffer_append(&c->payload, p + header, body);
  if (c->payload.length == length) {
    struct rtmp_message m = {.type = c->type, .timestamp = c->timestamp, .length = length, .payload = c->payload.data};
    c->payload.length = 0;
    on_message(r, &m, on_media, context);
  }
  return header + body;
}

static void acknowledge(struct rtmp *r) {
  if (r->window == 0 || r->received - r->acknowledged < r->window) return;
  r->acknowledged = r->received;
  write_control(r, ACKNOWLEDGEMENT, (uint32_t)r->received, 4);
}

bool rtmp_feed(struct rtmp *r, const uint8_t *bytes, size_t count, rtmp_on_media on_media, void *context) {
  r->received += count;
  buffer_append(&r->in, bytes, count);
  size_t at = 0;
  if (r->phase == RTMP_HANDSHAKE) {
    if (r->in.length < 1 + 2 * HANDSHAKE_BYTES) return true;
    after_handshake(r);
    at = 1 + 2 * HANDSHAKE_BYTES;
  }
  for (size_t taken = 1; taken > 0 && !r->error[0]; at += taken)
    taken = take_chunk(r, r->in.data + at, r->in.length - at, on_media, context);
  buffer_consume(&r->in, at);
  acknowledge(r);
  return !r->error[0];
}

void rtmp_discarded(struct rtmp *r, size_t count) {
  r->received += count;
  acknowledge(r);
}

void rtmp_free_buffers(struct rtmp *r) {
  buffer_free(&r->in);
  for (int i = 0; i < 64; i++) buffer_free(&r->channels[i].payload);
}
