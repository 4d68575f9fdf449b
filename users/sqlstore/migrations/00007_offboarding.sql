-- Ends of access are found without reading the whole log.

-- +goose Up

CREATE INDEX events_suspended ON events (seq) WHERE kind = 'user.suspended';
