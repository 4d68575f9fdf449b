-- Calls of applications, for as long as somebody watches them.

-- +goose Up

-- Who watches an application. A row goes some time after its end.
CREATE TABLE watches (
    application_id TEXT   NOT NULL,
    holder         TEXT   NOT NULL, -- a command, or the console
    until          BIGINT NOT NULL, -- time at which it ends
    PRIMARY KEY (application_id, holder)
);

-- What came at the protocol's endpoints while somebody watched: the newest of each application, for an hour.
CREATE TABLE calls (
    id             TEXT    NOT NULL PRIMARY KEY, -- sorts those of one process and instant
    application_id TEXT    NOT NULL,
    at             BIGINT  NOT NULL, -- time at which it was answered
    endpoint       TEXT    NOT NULL, -- such as token
    outcome        TEXT    NOT NULL, -- ok, waits, refused or failed
    reason         TEXT    NOT NULL, -- such as secret_wrong
    facts          TEXT    NOT NULL, -- JSON object of what the reason's sentence names; no secret, code or token
    stray          INTEGER NOT NULL, -- 1: whose call it was cannot be said
    request_id     TEXT    NOT NULL,
    user_id        TEXT    NOT NULL  -- empty: not known
);
CREATE INDEX calls_application ON calls (application_id, at);
