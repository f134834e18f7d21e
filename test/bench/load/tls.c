#include "tls.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>

struct tls {
  SSL *ssl;
};

static SSL_CTX *context;
static SSL_SESSION *last_session;

// A copy: OpenSSL gives a session up once a connection has used it, or has ended without a word.
static int keep_session(SSL *ssl, SSL_SESSION *session) {
  (void)ssl;
  if (last_session) SSL_SESSION_free(last_session);
  last_session = SSL_SESSION_dup(session);
  return 0;
}

void tls_open(bool resume) {
  context = SSL_CTX_new(TLS_client_method());
  if (!context) {
    fprintf(stderr, "load: no TLS\n");
    exit(1);
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (!resume) return;
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, keep_session);
}

struct tls *tls_start(int fd) {
  struct tls *t = malloc(sizeof *t);
  if (!t || !(t->ssl = SSL_new(context))) abort();
  SSL_set_fd(t->ssl, fd);
  SSL_set_connect_state(t->ssl);
  if (!last_session) return t;
  SSL_SESSION *own = SSL_SESSION_dup(last_session);
  SSL_set_session(t->ssl, own);
  SSL_SESSION_free(own);
  return t;
}

void tls_free(struct tls *t) {
  if (!t) return;
  SSL_free(t->ssl);
  free(t);
}

enum tls_state tls_shake_hands(struct tls *t) {
  ERR_clear_error();
  int result = SSL_do_handshake(t->ssl);
  if (result == 1) return TLS_DONE;
  switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
      return TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
      return TLS_WANTS_WRITE;
    default:
      return TLS_FAILED;
  }
}

bool tls_was_resumed(struct tls *t) { return SSL_session_reused(t->ssl); }

static ssize_t outcome(struct tls *t, int result) {
  if (result > 0) return result;
  switch (SSL_get_error(t->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      return errno ? -1 : 0;
    default:
      errno = EPROTO;
      return -1;
  }
}

ssize_t tls_receive(struct tls *t, void *bytes, size_t count) {
  ERR_clear_error();
  errno = 0;
  return outcome(t, SSL_read(t->ssl, bytes, (int)count));
}

ssize_t tls_send(struct tls *t, const void *bytes, size_t count) {
  ERR_clear_error();
  errno = 0;
  return outcome(t, SSL_write(t->ssl, bytes, (int)count));
}
