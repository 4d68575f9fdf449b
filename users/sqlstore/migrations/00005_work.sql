-- Work that is due at a time, runs over some people only, and when we heard of a change.

-- +goose Up

-- What has to be done at a time, once however often it was noted. A row goes when it is done.
CREATE TABLE work (
    kind          TEXT    NOT NULL, -- person, delta, full or window
    connection_id TEXT    NOT NULL, -- application that imports; empty for window
    subject       TEXT    NOT NULL, -- source id for person, users.id for window, else empty
    due           BIGINT  NOT NULL, -- time from which it is to be done
    noted         BIGINT  NOT NULL, -- time at which it was first heard of
    generation    BIGINT  NOT NULL, -- another one each time it is noted
    attempts      INTEGER NOT NULL, -- made in vain so far
    PRIMARY KEY (kind, connection_id, subject)
);
CREATE INDEX work_due ON work (due);
CREATE INDEX work_connection ON work (connection_id, due);

ALTER TABLE runs ADD COLUMN scope TEXT NOT NULL DEFAULT ''; -- empty: everybody of the source; refresh or delta: some people
ALTER TABLE run_changes ADD COLUMN heard_at BIGINT NOT NULL DEFAULT 0; -- time at which we first heard that the person changed; 0: the run found out itself

CREATE INDEX runs_scope ON runs (connection_id, scope, state, started_at);
