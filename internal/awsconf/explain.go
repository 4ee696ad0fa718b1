package awsconf

import (
	"errors"
	"io"
	"net"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// denied are the codes by which services refuse a caller, and what to do.
var denied = map[string]string{
	"InvalidClientTokenId":        "check access_key: AWS does not know it",
	"InvalidAccessKeyId":          "check access_key: the service does not know it",
	"UnrecognizedClientException": "check access_key and secret_key: AWS does not know them",
	"SignatureDoesNotMatch":       "check secret_key: it does not belong to access_key; and that the clock of this machine is right",
	"InvalidSecurity":             "check access_key and secret_key",
	"IncompleteSignature":         "check access_key and secret_key",
	"MissingAuthenticationToken":  "give credentials on the connection",
	"ExpiredToken":                "the temporary credentials have expired: renew them",
	"ExpiredTokenException":       "the temporary credentials have expired: renew them",
	"RequestExpired":              "set the clock of this machine",
	"InvalidSignatureException":   "check secret_key, and that the clock of this machine is right",
	"OptInRequired":               "the account has not enabled this region: correct region",
}

// refused are the codes that say that the caller is known but may not.
var refused = map[string]bool{
	"AccessDenied": true, "AccessDeniedException": true, "AllAccessDisabled": true,
	"AuthorizationError": true, "KMS.AccessDeniedException": true, "KmsAccessDenied": true,
	"AWS.SimpleQueueService.AccessDenied": true,
}

// passing are codes of failures that pass by themselves, beside those with a
// status of 500 and more.
var passing = map[string]bool{
	"Throttling": true, "ThrottlingException": true, "ThrottledException": true, "RequestThrottled": true,
	"RequestThrottledException": true, "TooManyRequestsException": true, "SlowDown": true,
	"RequestLimitExceeded": true, "BandwidthLimitExceeded": true, "LimitExceededException": true,
	"PriorRequestNotComplete": true, "RequestTimeout": true, "RequestTimeoutException": true,
	"InternalError": true, "InternalFailure": true, "ServiceUnavailable": true, "KmsThrottled": true,
	"KMS.ThrottlingException": true,
}

// Explain gives an error of a call its code and remedy: denied where
// credentials or permissions are wrong, unavailable and retryable where the
// failure may pass. permissions names what a policy must grant for the call,
// as "sqs:ReceiveMessage". Other refusals of the service keep their cause and
// have no code, for the caller to explain.
func Explain(op, permissions string, err error) error {
	if err == nil {
		return nil
	}
	e := &tidemill.Error{Op: op, Err: clean(err)}
	var api smithy.APIError
	var response *awshttp.ResponseError
	code := Code(err)
	status := 0
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	switch {
	case noCredentials(err):
		e.Code, e.Err = tidemill.Denied, errors.New("there are no credentials")
		e.Hint = "give access_key and secret_key or a profile on the connection, set the AWS_* variables, or run where the machine or container has a role"
	case errors.As(err, &api) && denied[code] != "":
		e.Code, e.Err, e.Hint = tidemill.Denied, reason(api), denied[code]
	case errors.As(err, &api) && (refused[code] || status == 403 || status == 401):
		e.Code, e.Err, e.Hint = tidemill.Denied, reason(api), "grant "+permissions+" to who the credentials stand for"
	case passing[code] || status >= 500 || status == 429 || network(err):
		if errors.As(err, &api) {
			e.Err = reason(api)
		}
		e.Code, e.Hint = tidemill.Unavailable, "check endpoint and region, and that this machine reaches them"
		return tidemill.Transient(e)
	case errors.As(err, &api):
		e.Err = reason(api)
	}
	return e
}

// Code returns the service's own word for the failure, or "".
func Code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// reason is what the service said, without the request around it.
func reason(api smithy.APIError) error {
	text := api.ErrorCode()
	if m := api.ErrorMessage(); m != "" && m != text {
		text += ": " + m
	}
	return errors.New(redact.Text(text))
}

func clean(err error) error {
	if text := redact.Text(err.Error()); text != err.Error() {
		return errors.New(text)
	}
	return err
}

// network reports whether err came from the way to the service rather than
// from the service.
func network(err error) bool {
	var sent interface{ ConnectionError() bool }
	var op net.Error
	return errors.As(err, &sent) && sent.ConnectionError() || errors.As(err, &op) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// noCredentials reports whether nobody gave any: the machine's role, which is
// asked last, could not be had.
func noCredentials(err error) bool {
	var empty *credentials.StaticCredentialsEmptyError
	if errors.As(err, &empty) {
		return true
	}
	var op *smithy.OperationError
	for errors.As(err, &op) {
		if op.Service() == "ec2imds" {
			return true
		}
		err = op.Err
	}
	return false
}
