package duckdb

// Two allocators serve the engine, and both keep what they are given back.
// Calls from Go come over many threads, and each thread gets an arena of its
// own: most of a landing process was memory that nobody used. So both have one
// arena here. jemalloc, which holds blocks and vectors, gives pages back after
// 100 ms; it reads its string when it starts. The C library's malloc, which
// holds the rest, maps large pieces one by one, so that they go back when they
// are freed. That costs a tenth of the CPU where much is compressed; to keep
// pieces up to 8 MiB cost 40 MiB and more.

/*
#include <malloc.h>

const char *duckdb_je_malloc_conf_2_conf_harder = "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0";

__attribute__((constructor)) static void tidemill_malloc(void) {
#ifdef M_ARENA_MAX
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	mallopt(M_TRIM_THRESHOLD, 256 << 10);
#endif
}
*/
import "C"
