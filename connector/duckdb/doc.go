// Package duckdb is the warehouse on a DuckDB file, the default of Tidemill.
//
// One process, the owner, has the file open; the others reach it over a unix
// socket, and one of them takes over when it ends. Open does not tell the
// difference, nor does anything else here.
//
// # What is promised
//
// A Commit writes the rows, dead letters, marks and the ledger entry of its
// batch in one transaction. Commits are serial, and each looks up what has
// landed before it, so that a redelivered message lands once. An engine that
// gave the database up, as after a full disk, is opened anew by the next call.
//
// # Locks
//
// The owner's turn is taken first: it orders Commit, Evolve and the opening of
// the database. Below it are the lock of a conn, held while a statement runs,
// and that of an instance, held for a moment. Sessions have connections of
// their own: their queries see the last commit and delay none.
package duckdb
