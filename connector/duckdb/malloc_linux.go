package duckdb

// Two allocators serve the engine, and both keep what they are given back.
// Calls from Go come over many threads, and each thread gets an arena of its
// own: most of a landing process was memory that nobody used. So both have one
// arena here. jemalloc, which holds blocks and vectors, gives pages back after
// 100 ms; it reads its string when it starts. The C library's malloc, which
// holds the rest, keeps pieces of a few MiB, which compressing a group of rows
// asks for again and again: to map each anew was a tenth of the CPU of a landing.

/*
#include <malloc.h>

const char *duckdb_je_malloc_conf_2_conf_harder = "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0";

__attribute__((constructor)) static void tidemill_malloc(void) {
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 8 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
}
*/
import "C"
