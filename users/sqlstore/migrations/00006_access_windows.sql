-- From when until when people may use anything at all, and what is left to them on leave.

-- +goose Up

ALTER TABLE users ADD COLUMN access_from BIGINT NOT NULL DEFAULT 0;  -- time from which they may; 0: no bound
ALTER TABLE users ADD COLUMN access_until BIGINT NOT NULL DEFAULT 0; -- time from which they no longer may; 0: no bound
ALTER TABLE users ADD COLUMN confined_to TEXT NOT NULL DEFAULT '';   -- connection whose own applications alone they may use; empty: all of theirs

-- The window that an administrator overrules, as the source has it; another one ends that. Both 0: none.
ALTER TABLE waivers ADD COLUMN access_from BIGINT NOT NULL DEFAULT 0;  -- time from which the source wants them to have access
ALTER TABLE waivers ADD COLUMN access_until BIGINT NOT NULL DEFAULT 0; -- time from which the source wants them to have none

ALTER TABLE people ADD COLUMN status_since BIGINT NOT NULL DEFAULT 0; -- time when the status was first read; 0: before that was remembered

-- What people confined to a connection may still use.
CREATE TABLE connection_applications (
    connection_id  TEXT NOT NULL REFERENCES applications (id), -- application that imports
    application_id TEXT NOT NULL,                              -- application; need not exist yet
    PRIMARY KEY (connection_id, application_id)
);
