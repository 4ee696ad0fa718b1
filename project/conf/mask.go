package conf

import "strings"

// What ${...} holds is given to the parser in characters that mean nothing to
// it, one for one, so that columns stay.
const (
	meaning = "{}[],:"
	masked  = "\U000F0000\U000F0001\U000F0002\U000F0003\U000F0004\U000F0005"
)

var (
	toMasked   = pairs(meaning, masked)
	fromMasked = pairs(masked, meaning)
)

func pairs(from, to string) *strings.Replacer {
	var p []string
	target := []rune(to)
	for i, r := range []rune(from) {
		p = append(p, string(r), string(target[i]))
	}
	return strings.NewReplacer(p...)
}

func mask(src string) string {
	var b strings.Builder
	for {
		i := strings.Index(src, "$")
		if i < 0 || i+1 == len(src) {
			break
		}
		b.WriteString(src[:i])
		src = src[i:]
		length := 1
		if src[1] == '$' {
			length = 2
		}
		if end := variableEnd(src); end > 0 {
			length = end
		}
		b.WriteString(toMasked.Replace(src[:length]))
		src = src[length:]
	}
	b.WriteString(src)
	return b.String()
}

// variableEnd returns the length of the ${...} that s begins with, with those
// inside it, or 0. It ends on its line.
func variableEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch {
		case strings.HasPrefix(s[i:], "${"):
			depth++
			i++
		case s[i] == '}':
			depth--
		case s[i] == '\n' || s[i] == '\r':
			return 0
		}
		if depth == 0 {
			if i == 0 {
				return 0 // another $
			}
			return i + 1
		}
	}
	return 0
}

func unmask(s string) string { return fromMasked.Replace(s) }
