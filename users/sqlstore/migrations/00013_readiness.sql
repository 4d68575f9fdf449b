-- What speaks for the sign-in of an application is found without reading the whole log.

-- +goose Up

CREATE INDEX events_readiness ON events (subject, kind, actor, seq) WHERE kind IN ('application.sign_in_completed', 'import.checked');
