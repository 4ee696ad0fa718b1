// Package postgres reads tables, queries and changes of a PostgreSQL database.
//
// It is a positioned source: what it reads comes as records with marks, and
// the marks of a batch commit with its rows, so that nothing is acknowledged
// to the server by reading a snapshot or a query. How each mode reads, and
// what it promises across a crash, stands with [Options].
package postgres
