// FLV files and HTTP-FLV. AVC video and AAC audio: what the benchmark's clip holds.
#define _GNU_SOURCE
#include "flv.h"
#include <stdio.h>
#include <strings.h>

enum { FILE_HEADER_BYTES = 9 + 4, TAG_HEADER_BYTES = 11, TAG_TRAILER_BYTES = 4 };

// Reads the tag at the front of `p`. Returns its bytes with the trailer, or 0 when it is not all there.
static size_t take_tag(const uint8_t *p, size_t available, struct rtmp_message *tag) {
  if (available < TAG_HEADER_BYTES) return 0;
  *tag = (struct rtmp_message){
      .type = p[0] & 31,
      .length = (uint32_t)read_be(p + 1, 3),
      .timestamp = (uint32_t)(read_be(p + 4, 3) | (uint64_t)p[7] << 24),
      .payload = p + TAG_HEADER_BYTES,
  };
  size_t bytes = TAG_HEADER_BYTES + tag->length + TAG_TRAILER_BYTES;
  return available < bytes ? 0 : bytes;
}

void clip_load(struct clip *clip, const char *path) {
  struct buffer file = {0};
  FILE *f = fopen(path, "rb");
  for (size_t got = 1; f && got > 0; file.length += got) got = fread(buffer_room(&file, 1 << 20), 1, 1 << 20, f);
  if (f) fclose(f);
  if (file.length < FILE_HEADER_BYTES || memcmp(file.data, "FLV", 3)) {
    fprintf(stderr, "load: %s is not an FLV file\n", path);
    exit(1);
  }
  *clip = (struct clip){.tags = calloc(file.length / TAG_HEADER_BYTES, sizeof *clip->tags)};
  size_t frames = 0;
  uint32_t last_frame = 0;
  struct rtmp_message tag;
  for (size_t at = FILE_HEADER_BYTES, bytes; (bytes = take_tag(file.data + at, file.length - at, &tag)); at += bytes) {
    if (tag.type == RTMP_DATA) {
      clip->metadata = tag;
    } else if (flv_is_sequence_header(&tag)) {
      *(tag.type == RTMP_VIDEO ? &clip->video_header : &clip->audio_header) = tag;
    } else if ((tag.type == RTMP_AUDIO || tag.type == RTMP_VIDEO) && tag.length > 2 &&
               (clip->count > 0 || flv_is_key_frame(&tag))) {
      if (tag.type == RTMP_VIDEO && tag.payload[1] != 1) continue;  // end of sequence
      if (tag.type == RTMP_VIDEO) frames++, last_frame = tag.timestamp;
      clip->tags[clip->count++] = tag;
    }
  }
  if (frames < 2) {
    fprintf(stderr, "load: %s holds no H.264 video\n", path);
    exit(1);
  }
  uint32_t first = clip->tags[0].timestamp;
  clip->duration_ms = (uint32_t)((uint64_t)(last_frame - first) * frames / (frames - 1));
  for (size_t i = 0; i < clip->count; i++)
    clip->tags[i].timestamp = clip->tags[i].timestamp > first ? clip->tags[i].timestamp - first : 0;
  while (clip->tags[clip->count - 1].timestamp >= clip->duration_ms) clip->count--;
}

// Moves what chunked transfer coding (RFC 9112 §7.1) wraps from `in` to `body`.
static void unwrap(struct http_flv *h) {
  size_t at = 0;
  for (;;) {
    uint8_t *line = h->in.data + at;
    uint8_t *end = memmem(line, h->in.length - at, "\r\n", 2);
    if (!end) break;
    size_t size = strtoul((char *)line, NULL, 16);
    size_t header = (size_t)(end + 2 - line);
    if (h->in.length - at < header + size + 2) break;
    buffer_append(&h->body, line + header, size);
    at += header + size + 2;
  }
  buffer_consume(&h->in, at);
}

// Moves what WebSocket (RFC 6455 §5.2) wraps from `in` to `body`; a server's frames are not masked.
static void unframe(struct http_flv *h) {
  size_t at = 0;
  for (;;) {
    const uint8_t *p = h->in.data + at;
    size_t available = h->in.length - at;
    if (available < 2) break;
    int more = (p[1] & 127) == 126 ? 2 : (p[1] & 127) == 127 ? 8 : 0;
    size_t header = 2u + (size_t)more;
    if (available < header) break;
    size_t size = more ? read_be(p + 2, more) : p[1] & 127;
    if (available - header < size) break;
    if ((p[0] & 15) < 8) buffer_append(&h->body, p + header, size);  // others are control frames
    at += header + size;
  }
  buffer_consume(&h->in, at);
}

bool http_flv_feed(struct http_flv *h, const uint8_t *bytes, size_t count, rtmp_on_media on_media, void *context) {
  buffer_append(&h->in, bytes, count);
  if (h->phase == HTTP_HEADER) {
    uint8_t *end = memmem(h->in.data, h->in.length, "\r\n\r\n", 4);
    if (!end) return true;
    *end = 0;
    if (!strstr((char *)h->in.data, h->websocket ? " 101 " : " 200 ")) {
      snprintf(h->error, sizeof h->error, "the server answers %.*s", (int)strcspn((char *)h->in.data, "\r\n"), (char *)h->in.data);
      return false;
    }
    h->chunked = strcasestr((char *)h->in.data, "transfer-encoding: chunked") != NULL;
    buffer_consume(&h->in, (size_t)(end + 4 - h->in.data));
    h->phase = HTTP_BODY;
  }
  if (h->websocket) {
    unframe(h);
  } else if (h->chunked) {
    unwrap(h);
  } else {
    buffer_append(&h->body, h->in.data, h->in.length);
    h->in.length = 0;
  }
  size_t at = 0;
  if (!h->flv_header_seen) {
    if (h->body.length < FILE_HEADER_BYTES) return true;
    at = FILE_HEADER_BYTES;
    h->flv_header_seen = true;
  }
  struct rtmp_message tag;
  for (size_t taken = 1; taken > 0; at += taken) {
    taken = take_tag(h->body.data + at, h->body.length - at, &tag);
    if (taken > 0 && tag.type != RTMP_AUDIO && tag.type != RTMP_VIDEO && tag.type != RTMP_DATA) {
      snprintf(h->error, sizeof h->error, "an FLV tag of type %d: out of step", tag.type);
      return false;
    }
    if (taken > 0) on_media(context, &tag);
  }
  buffer_consume(&h->body, at);
  return true;
}
