package file

import (
	"context"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/tidemill/tidemill/internal/retry"
)

const (
	// unwatched is how often a folder is looked at that cannot be watched,
	// because the system has no means or no room for it.
	unwatched = 500 * time.Millisecond

	// watched is how often a folder is looked at all the same: network file
	// systems do not tell of what others write.
	watched = 2 * time.Second

	// settle is the least time between two looks, so that a busy writer does
	// not make us list the folder for every line.
	settle = 20 * time.Millisecond
)

// watcher tells when something in the folders may have changed. A nil
// watcher knows only the clock.
type watcher struct {
	fs   *fsnotify.Watcher
	on   map[string]bool
	wake chan struct{}
	done chan struct{}
	all  bool // every folder is watched
}

func newWatcher() (*watcher, error) {
	n, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, err
	}
	w := &watcher{fs: n, on: map[string]bool{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w, nil
}

// run passes events on until close.
func (w *watcher) run() {
	defer close(w.done)
	for {
		select {
		case _, ok := <-w.fs.Events:
			if !ok {
				return
			}
		case _, ok := <-w.fs.Errors: // an overflow: something did happen
			if !ok {
				return
			}
		}
		w.poke()
	}
}

// add watches folders, those included that were made again.
func (w *watcher) add(folders []string) {
	if w == nil {
		return
	}
	w.all = true
	for _, f := range folders {
		if err := w.fs.Add(f); err != nil {
			w.all = false
		} else if !w.on[f] {
			w.on[f] = true
			w.poke() // what came between the listing and the watch
		}
	}
}

func (w *watcher) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// wait returns when something may have changed.
func (w *watcher) wait(ctx context.Context) error {
	if w == nil {
		return retry.Sleep(ctx, unwatched)
	}
	most := watched
	if !w.all {
		most = unwatched
	}
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-w.wake:
		return retry.Sleep(ctx, settle)
	case <-t.C:
		return nil
	}
}

func (w *watcher) close() error {
	if w == nil {
		return nil
	}
	err := w.fs.Close()
	<-w.done
	return err
}
