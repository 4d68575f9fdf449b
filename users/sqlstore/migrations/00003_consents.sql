-- +goose Up

-- What people have allowed applications to learn. A trusted application has no rows.
CREATE TABLE consents (
    user_id        TEXT   NOT NULL REFERENCES users (id),        -- who has consented
    application_id TEXT   NOT NULL REFERENCES applications (id), -- who may learn it
    scopes         TEXT   NOT NULL,                              -- JSON array of scopes, sorted
    granted_at     BIGINT NOT NULL,                              -- time of the last consent
    PRIMARY KEY (user_id, application_id)
);
