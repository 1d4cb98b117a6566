/* What fetch_sync and fetch_all share: the server, and a transfer's options. */
#ifndef FETCH_H
#define FETCH_H

#include <curl/curl.h>

#include "delay_server.h"
#include "work.h"

static struct delay_server server;

static inline size_t swallow(char *bytes, size_t size, size_t n, void *unused) {
  (void)bytes;
  (void)unused;
  return size * n;
}

/* A transfer of what the server answers after so many ms.  Returns: owned, or
 * NULL. */
static inline CURL *fetch_new(unsigned ms) {
  char url[64];
  CURL *easy = curl_easy_init();
  if (!easy)
    return NULL;
  snprintf(url, sizeof url, "http://127.0.0.1:%d/%u", server.port, ms);
  curl_easy_setopt(easy, CURLOPT_URL, url);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
  return easy;
}

/* The three that are fetched: 600, 800 and 1000 ms. */
static inline void fetch_times(unsigned ms[3]) {
  for (unsigned i = 0; i < 3; i++)
    ms[i] = (unsigned)scaled_ms(600 + 200 * i);
}

static inline void fetch_say(const unsigned ms[3], uint64_t began_ms) {
  uint64_t took = clock_ms(CLOCK_MONOTONIC) - began_ms;
  printf("three fetched; it took %s the sum of their times\n",
         took >= ms[0] + ms[1] + ms[2] ? "at least" : "less than");
}

#endif
