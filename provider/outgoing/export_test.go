package outgoing

// RetryAfter is the parser of the Retry-After header, for its fuzz test.
var RetryAfter = retryAfter
