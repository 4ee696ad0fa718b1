package records

import (
	"bytes"
	"io"

	"github.com/tidemill/tidemill"
)

// lines reads a JSON value from each line. Blank lines are no rows.
type lines struct {
	in    Input
	text  *text
	opts  Options
	row   int64
	begun bool
	ended bool
}

// Close implements Reader.
func (l *lines) Close() { l.text.close() }

// Read implements Reader.
func (l *lines) Read() (Rows, error) {
	if !l.begun {
		l.begun = true
		if l.opts.resumes() {
			l.text.jump(l.in, l.opts.Offset)
			l.row = l.opts.Skip
		} else {
			l.text.mark()
		}
	}
	var out Rows
	for size := 0; !l.ended && size < readBytes && len(out.Texts)+len(out.Bad) < l.opts.Rows; {
		n, err := l.line(&out)
		if err != nil {
			return Rows{}, err
		}
		size += n
	}
	out.Next, out.Offset = l.row, l.opts.offset(l.text)
	if len(out.Texts)+len(out.Bad) == 0 {
		return out, io.EOF
	}
	return out, nil
}

// line adds the next line to out, if it is not blank or to be skipped, and
// returns its size.
func (l *lines) line(out *Rows) (int, error) {
	scanned := 0
	for {
		unread := l.text.unread()
		if i := bytes.IndexByte(unread[scanned:], '\n'); i >= 0 {
			return l.add(out, l.text.take(scanned+i+1)), nil
		}
		if scanned = len(unread); scanned > l.opts.MaxRow {
			return l.long(out)
		}
		if l.text.fill() != nil {
			return l.last(out)
		}
	}
}

// add hands over a line.
func (l *lines) add(out *Rows, line []byte) int {
	size := len(line)
	value := bytes.TrimSpace(line)
	if len(value) == 0 {
		return size
	}
	row := l.row
	l.row++
	if row < l.opts.Skip {
		return 0
	}
	if size > l.opts.MaxRow+2 {
		out.Bad = append(out.Bad, tooLarge(row, l.text.off-int64(size), value, int64(size), l.opts.MaxRow))
		return l.opts.MaxRow
	}
	out.Texts = append(out.Texts, Text{Row: row, Offset: l.text.off - int64(size), Value: value})
	return size
}

// last hands over what stands after the last line break.
func (l *lines) last(out *Rows) (int, error) {
	if err := l.text.failed(); err != nil {
		return 0, err
	}
	l.ended = true
	left := l.text.unread()
	why := l.text.broken()
	if why == "" {
		return l.add(out, l.text.take(len(left))), nil
	}
	row := l.row
	l.row++
	if row >= l.opts.Skip {
		out.Bad = append(out.Bad, Bad{
			Row: row, Offset: l.text.off, Code: tidemill.Malformed, Reason: why,
			Bytes: keep(left, l.opts.MaxRow), Size: int64(len(left)),
		})
	}
	return len(left), nil
}

// long passes over a line that is longer than allowed, of which it holds a
// piece at a time.
func (l *lines) long(out *Rows) (int, error) {
	start := l.text.off
	kept := keep(l.text.unread(), l.opts.MaxRow)
	for {
		unread := l.text.unread()
		if i := bytes.IndexByte(unread, '\n'); i >= 0 {
			l.text.take(i + 1)
			break
		}
		l.text.take(len(unread))
		if l.text.fill() != nil {
			if err := l.text.failed(); err != nil {
				return 0, err
			}
			l.ended = true
			break
		}
	}
	row := l.row
	l.row++
	if row >= l.opts.Skip {
		out.Bad = append(out.Bad, tooLarge(row, start, kept, l.text.off-start, l.opts.MaxRow))
	}
	return len(kept), nil
}

func tooLarge(row, offset int64, value []byte, size int64, most int) Bad {
	return Bad{
		Row: row, Offset: offset, Code: tidemill.TooLarge, Reason: "larger than max_message",
		Bytes: keep(value, most), Size: size,
	}
}
