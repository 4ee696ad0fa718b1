package sqs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/awsconf"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/elasticmq"
)

// shared is the server of all tests; nil until one needs it, which those of
// a fuzz worker do not.
var shared *elasticmq.Server

var start = sync.OnceFunc(func() {
	var err error
	if shared, err = elasticmq.Run(); err != nil {
		panic(err) // no test can go on
	}
})

func endpoint() string {
	start()
	return shared.Endpoint()
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	code := m.Run()
	if shared != nil {
		if err := shared.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	http.DefaultClient.CloseIdleConnections()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

var env = tidemill.Env{Log: slog.New(slog.DiscardHandler)}

func connection(endpoint string) Connection {
	return Connection{awsconf.Config{Endpoint: endpoint, AccessKey: "x", SecretKey: redact.New("x")}}
}

func direct(t testing.TB) *client {
	t.Helper()
	c, err := newClient(t.Context(), connection(endpoint()), 16)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// create makes a queue and returns its name.
func create(t testing.TB, name string, attributes map[string]string) string {
	t.Helper()
	name = strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + name
	if _, err := direct(t).CreateQueue(t.Context(), &sdk.CreateQueueInput{QueueName: aws.String(name), Attributes: attributes}); err != nil {
		t.Fatal(err)
	}
	return name
}

func standard(t testing.TB) string { t.Helper(); return create(t, "queue", nil) }

func fifo(t testing.TB) string {
	t.Helper()
	return create(t, "queue.fifo", map[string]string{"FifoQueue": "true"})
}

// send sends the bodies from..to-1; to a FIFO queue in so many groups.
func send(t testing.TB, queue string, from, to, groups int) {
	t.Helper()
	c := direct(t)
	q, err := c.find(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	for at := from; at < to; at += perCall {
		in := sdk.SendMessageBatchInput{QueueUrl: aws.String(q.url)}
		for i := at; i < min(at+perCall, to); i++ {
			e := types.SendMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i - at)), MessageBody: aws.String(strconv.Itoa(i))}
			if q.fifo {
				e.MessageGroupId, e.MessageDeduplicationId = aws.String(strconv.Itoa(i%groups)), aws.String("id-"+strconv.Itoa(i))
			}
			in.Entries = append(in.Entries, e)
		}
		out, err := c.SendMessageBatch(t.Context(), &in)
		if err != nil || len(out.Failed) > 0 {
			t.Fatalf("send: %v, %v", err, out)
		}
	}
}

// depth returns how many messages a queue has, visible or not.
func depth(t testing.TB, queue string) int {
	t.Helper()
	q, err := direct(t).find(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, name := range []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible} {
		i, err := strconv.Atoi(q.attributes[string(name)])
		if err != nil {
			t.Fatal(err)
		}
		n += i
	}
	return n
}

// open returns an open source, which the test closes at its end.
func open(t testing.TB, endpoint string, opts Options) *Source {
	t.Helper()
	s := NewSource(connection(endpoint), opts, env)
	t.Cleanup(func() { closeSource(t, s) })
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return s
}

func closeSource(t testing.TB, s *Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// crash ends a source as the end of its process would.
func crash(s *Source) {
	s.stopCalls()
	s.wg.Wait()
	s.hand.gone(s.hand.expiring(time.Now().Add(24 * time.Hour))) // Close finds nothing to release
	s.client.close()
}

func read(t testing.TB, s *Source) tidemill.Batch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b, err := s.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// silent fails the test where a message comes within d.
func silent(t testing.TB, s *Source, d time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	if b, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %d messages, %v; want none", len(b.Messages), err)
	}
}

func ack(t testing.TB, s *Source, tok any) {
	t.Helper()
	if err := s.Ack(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
}

// seen counts deliveries by body.
type seen map[string]int

func (n seen) add(b tidemill.Batch) {
	for _, m := range b.Messages {
		n[string(m.Value)]++
	}
}

// upTo reads, and acknowledges where ackd is set, until so many different
// messages were seen. It returns the tokens.
func (n seen) upTo(t testing.TB, s *Source, want int, ackd bool) (tokens []any) {
	t.Helper()
	for len(n) < want {
		b := read(t, s)
		n.add(b)
		tokens = append(tokens, b.Token)
		if ackd {
			ack(t, s, b.Token)
		}
	}
	return tokens
}

// proxy stands before the server and fails as it is told.
type proxy struct {
	*httptest.Server
	pass *httputil.ReverseProxy

	// before decides about a call before it is made: it reports whether it
	// has answered.
	before atomic.Pointer[func(action string, w http.ResponseWriter, body []byte) bool]
	// after changes the answer to a call.
	after atomic.Pointer[func(action string, answer []byte) []byte]
}

func newProxy(t testing.TB) *proxy {
	t.Helper()
	to, err := url.Parse(endpoint())
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{pass: httputil.NewSingleHostReverseProxy(to)}
	transport := &http.Transport{MaxIdleConnsPerHost: 32}
	p.pass.Transport = transport
	p.pass.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	p.pass.ModifyResponse = func(r *http.Response) error {
		f := p.after.Load()
		if f == nil {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		body = (*f)(action(r.Request), body)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
		r.Header.Del("x-amz-crc32")
		return nil
	}
	p.Server = httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() {
		p.CloseClientConnections()
		p.Close()
		transport.CloseIdleConnections()
	})
	return p
}

func action(r *http.Request) string {
	return strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS.")
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if f := p.before.Load(); f != nil && (*f)(action(r), w, body) {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	p.pass.ServeHTTP(w, r)
}

func (p *proxy) onCall(f func(action string, w http.ResponseWriter, body []byte) bool) {
	p.before.Store(&f)
}
func (p *proxy) onAnswer(f func(action string, answer []byte) []byte) { p.after.Store(&f) }

// hangUp ends a call as a broken connection does.
func hangUp() { panic(http.ErrAbortHandler) }

// refuse answers a call with an error of the service.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.sqs#" + code, "message": "refused by the test"})
}
