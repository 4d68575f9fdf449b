-- What follows the event log, and what it has to deliver.

-- +goose Up

-- How far each follower has seen the log.
CREATE TABLE followers (
    name TEXT   NOT NULL PRIMARY KEY, -- such as logout
    seq  BIGINT NOT NULL              -- events.seq of the last event it has seen
);

-- What has to reach somebody because of an event. A row goes when it has arrived.
CREATE TABLE deliveries (
    follower   TEXT    NOT NULL, -- followers.name
    event_seq  BIGINT  NOT NULL, -- events.seq of the cause
    target     TEXT    NOT NULL, -- who has to be reached, such as an application
    attempt    INTEGER NOT NULL, -- attempts made so far
    next_at    BIGINT  NOT NULL, -- time of the next attempt
    state      TEXT    NOT NULL, -- pending or failed
    last_error TEXT    NOT NULL, -- why the last attempt failed; empty: none did
    PRIMARY KEY (follower, event_seq, target)
);
CREATE INDEX deliveries_due ON deliveries (follower, state, next_at);
