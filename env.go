package tidemill

import "log/slog"

// Env is what the process gives to a connector that it opens.
type Env struct {
	Dir string       // the project folder; relative paths of a configuration start there
	Log *slog.Logger // never nil

	// SQL receives each statement with its duration where the user asked for
	// that, else it is nil.
	SQL *slog.Logger
}
