package duckdb

// The engine's allocator, jemalloc, keeps an arena for each thread that comes
// by, and freed pages in each for seconds. Calls from Go come over many
// threads, so that most of a landing process was memory that nobody used: one
// arena that gives pages back soon took a fifth of it away, at no cost that
// could be measured. jemalloc reads the string when it starts.

/*
const char *duckdb_je_malloc_conf_2_conf_harder = "narenas:1,dirty_decay_ms:100,muzzy_decay_ms:0";
*/
import "C"
