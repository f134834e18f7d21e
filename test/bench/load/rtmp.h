// The client's side of RTMP 1.0: simple handshake, chunk stream, and the few commands that play and publish need.
// A state machine over bytes: it is fed what was received, and leaves in `out` what is to be sent.
#pragma once
#include <stdbool.h>
#include "buffer.h"

enum rtmp_type { RTMP_AUDIO = 8, RTMP_VIDEO = 9, RTMP_DATA = 18 };

struct rtmp_message {
  uint8_t type;
  uint32_t timestamp;  // milliseconds
  uint32_t length;
  const uint8_t *payload;
};

// Called for each whole audio, video and data message.
typedef void (*rtmp_on_media)(void *context, const struct rtmp_message *message);

enum rtmp_phase { RTMP_HANDSHAKE, RTMP_CONNECTING, RTMP_CREATING, RTMP_STARTING, RTMP_RUNNING };

struct rtmp_channel {  // what a chunk stream remembers between chunks (RTMP 1.0 §5.3.1.2)
  struct buffer payload;
  uint32_t timestamp, delta, length, stream_id;
  uint8_t type;
  bool extended;  // its last header carried an extended timestamp
};

struct rtmp {
  enum rtmp_phase phase;
  bool publishing;
  char app[128], stream[256], tc_url[256];
  uint32_t stream_id;
  uint32_t in_chunk, out_chunk;
  uint32_t announced_chunk;         // what a publisher sets `out_chunk` to once the handshake is done
  uint32_t window;                  // bytes after which the server wants an acknowledgement; 0 = it never said
  uint64_t received, acknowledged;  // bytes
  struct buffer in, out;
  struct rtmp_channel channels[64];
  uint32_t last_sent[2];  // timestamps of the last audio and video message sent
  bool sent[2];
  char error[200];  // why the connection is of no use any more; empty while it is
};

// Starts the handshake. `out_chunk` is the chunk size a publisher announces, as encoders do.
void rtmp_start(struct rtmp *r, bool publishing, const char *host_and_port, const char *app, const char *stream,
                uint32_t out_chunk);
// Takes received bytes; false when `error` has been set.
bool rtmp_feed(struct rtmp *r, const uint8_t *bytes, size_t count, rtmp_on_media on_media, void *context);
// Takes note of bytes that were received but thrown away unread: they are acknowledged like any others.
void rtmp_discarded(struct rtmp *r, size_t count);
// Appends one audio, video or data message to `out`.
void rtmp_send_media(struct rtmp *r, const struct rtmp_message *message);
// Says goodbye in `out`: the stream is not played, or published, any more.
void rtmp_leave(struct rtmp *r);
void rtmp_free_buffers(struct rtmp *r);
