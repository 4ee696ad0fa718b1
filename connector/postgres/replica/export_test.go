package replica

import "time"

// SetSilence sets how long a server may not answer.
func (s *Source) SetSilence(d time.Duration) { s.silence = d }
