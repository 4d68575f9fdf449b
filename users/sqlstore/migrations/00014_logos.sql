-- Logos of applications, apart from their documents, which are read often.

-- +goose Up

-- The content of logos. What they are stands in the application's document.
CREATE TABLE logos (
    application_id TEXT  NOT NULL PRIMARY KEY REFERENCES applications (id), -- whose
    digest         TEXT  NOT NULL, -- SHA-256 of the content, in hex
    media_type     TEXT  NOT NULL, -- image/png or image/svg+xml
    content        BYTEA NOT NULL  -- the file, at most 64 KiB
);
