// FLV: a recorded clip to publish from, and the reading of HTTP-FLV (Adobe Flash Video File Format 10.1, annex E).
#pragma once
#include "rtmp.h"

struct clip {
  struct rtmp_message *tags;  // audio and video that repeat; the first is a key frame, times start at 0
  size_t count;
  struct rtmp_message metadata, video_header, audio_header;  // sent once, first
  uint32_t duration_ms;  // of one round: the next begins where this one's video ends
};

// Reads a whole FLV file; ends the program with a message when that can't be done.
void clip_load(struct clip *clip, const char *path);

static inline bool flv_is_key_frame(const struct rtmp_message *m) {
  return m->type == RTMP_VIDEO && m->length > 5 && m->payload[0] >> 4 == 1 && m->payload[1] == 1;
}
static inline bool flv_is_sequence_header(const struct rtmp_message *m) {
  if (m->length < 2 || m->payload[1] != 0) return false;
  return m->type == RTMP_VIDEO ? (m->payload[0] & 15) == 7 : m->type == RTMP_AUDIO && m->payload[0] >> 4 == 10;
}

struct http_flv {
  enum { HTTP_HEADER, HTTP_BODY } phase;
  bool websocket;  // asked for, and so answered
  bool chunked;
  bool flv_header_seen;
  struct buffer in, body;
  char error[200];
};

// Takes received bytes of an HTTP answer whose body is FLV, as it is, in chunked transfer coding or in frames of
// WebSocket.
bool http_flv_feed(struct http_flv *h, const uint8_t *bytes, size_t count, rtmp_on_media on_media, void *context);
