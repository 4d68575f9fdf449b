-- Times are Unix milliseconds in UTC, 0 meaning none. Booleans are 0 or 1. Texts
-- called "JSON" are documents that the program reads as a whole. The same text
-- runs on SQLite and PostgreSQL: SQLite reads BIGINT as INTEGER and keeps a BYTEA as the blob it is.
-- People are never deleted, so no foreign key cascades.

-- +goose Up

-- A migration is applied once, even if the lease of its process ran out meanwhile.
CREATE UNIQUE INDEX schema_versions_once ON schema_versions (version_id);

-- People.
CREATE TABLE users (
    id           TEXT    NOT NULL PRIMARY KEY, -- 26 random characters; the sub of every token; never used again
    base_state   TEXT    NOT NULL,             -- staged or active; suspended follows from table suspensions
    epoch        BIGINT  NOT NULL,             -- counts up; sessions and grants of an older epoch are dead
    version      BIGINT  NOT NULL,             -- counts the changes of this row from 1; guards updates
    email        TEXT    NOT NULL,             -- address as written by HR; empty: none
    email_key    TEXT    UNIQUE,               -- address in its unique form; NULL: none, or parked
    username     TEXT    NOT NULL,             -- what the person types; empty: none
    username_key TEXT    UNIQUE,               -- user name in its unique form; NULL: none
    list_key     TEXT    NOT NULL,             -- place in lists: user name key, or ~ and id without one
    search_text  TEXT    NOT NULL,             -- names and addresses in lower case, for lists
    first_name   TEXT    NOT NULL,             -- as written by HR
    last_name    TEXT    NOT NULL,             -- as written by HR
    manager_id   TEXT    NOT NULL,             -- users.id; empty: none. May be written before the manager is
    role         TEXT    NOT NULL,             -- owner, administrator, helpdesk, auditor or none
    sealed       INTEGER NOT NULL,             -- 1: no import links or changes this person
    origin       TEXT    NOT NULL,             -- local, import or config: who looks after the person
    attributes   TEXT    NOT NULL,             -- JSON object of texts: company, department, …
    last_sign_in BIGINT  NOT NULL,             -- time of the last sign-in
    created_at   BIGINT  NOT NULL,             -- time of creation
    updated_at   BIGINT  NOT NULL              -- time of the last change
);
CREATE INDEX users_list ON users (list_key);

-- Ways to prove who one is, apart from users so that imports never touch them.
CREATE TABLE credentials (
    user_id    TEXT   NOT NULL REFERENCES users (id), -- whose
    kind       TEXT   NOT NULL,                       -- password
    data       TEXT   NOT NULL,                       -- password: PHC string of Argon2id
    updated_at BIGINT NOT NULL,                       -- time of the last change
    PRIMARY KEY (user_id, kind)
);

-- Reasons why a person is suspended. They are suspended while there is any.
CREATE TABLE suspensions (
    user_id       TEXT   NOT NULL REFERENCES users (id), -- who is suspended
    suspended_by  TEXT   NOT NULL,                       -- import, admin, window or config; only they lift it
    connection_id TEXT   NOT NULL,                       -- application of an import or window; empty: none
    reason        TEXT   NOT NULL,                       -- code or text of the one who suspended
    since         BIGINT NOT NULL,                       -- time of the suspension
    PRIMARY KEY (user_id, suspended_by, connection_id)
);

-- An administrator's word that a person is active although the source says otherwise.
CREATE TABLE waivers (
    user_id       TEXT   NOT NULL REFERENCES users (id), -- who may enter
    connection_id TEXT   NOT NULL,                       -- application whose source is overruled
    status        TEXT   NOT NULL,                       -- source status that is overruled; another one ends the waiver
    since         BIGINT NOT NULL,                       -- time of the waiver
    PRIMARY KEY (user_id, connection_id)
);

-- What is remembered of the people of a source. No foreign keys, because this is written in bulk.
CREATE TABLE people (
    connection_id     TEXT NOT NULL, -- application that imports
    source_id         TEXT NOT NULL, -- the source's own id of the person
    user_id           TEXT NOT NULL, -- users.id; empty: never created
    status            TEXT NOT NULL, -- source status as read last; gone: unknown to the source
    content_hash      TEXT NOT NULL, -- of what was read last; equal means nothing to do
    manager_source_id TEXT NOT NULL, -- source_id of the manager; empty: none
    seen_run          TEXT NOT NULL, -- runs.id that wrote this row last
    PRIMARY KEY (connection_id, source_id)
);
CREATE INDEX people_user ON people (user_id);

-- Groups, without the built-in group everyone.
CREATE TABLE groups (
    id      TEXT   NOT NULL PRIMARY KEY, -- slug
    label   TEXT   NOT NULL,             -- name shown to people
    rule    TEXT   NOT NULL,             -- expression over attributes; empty: members by hand only
    origin  TEXT   NOT NULL,             -- local or config
    version BIGINT NOT NULL              -- counts the changes of this row from 1
);

-- Who is in which group. By hand and by rule are two memberships: one ends without the other.
CREATE TABLE group_members (
    group_id TEXT    NOT NULL REFERENCES groups (id), -- group
    user_id  TEXT    NOT NULL REFERENCES users (id),  -- member
    by_rule  INTEGER NOT NULL,                        -- 1: by the group's rule; 0: by hand
    PRIMARY KEY (group_id, user_id, by_rule)
);
CREATE INDEX group_members_user ON group_members (user_id);

-- Applications.
CREATE TABLE applications (
    id       TEXT    NOT NULL PRIMARY KEY, -- slug; also the id of its connection
    disabled INTEGER NOT NULL,             -- 1: nobody gets in
    origin   TEXT    NOT NULL,             -- local or config
    document TEXT    NOT NULL,             -- JSON: label, launch, sign_in, import
    version  BIGINT  NOT NULL              -- counts the changes from 1; guards updates
);

-- Groups whose members may use an application; may name everyone, which has no row in groups.
CREATE TABLE application_groups (
    application_id TEXT NOT NULL REFERENCES applications (id), -- application
    group_id       TEXT NOT NULL,                              -- group, or everyone
    PRIMARY KEY (application_id, group_id)
);

-- Secrets by which applications authenticate, hashed.
CREATE TABLE client_secrets (
    application_id TEXT   NOT NULL REFERENCES applications (id), -- whose
    hash           BYTEA  NOT NULL,                              -- SHA-256 of the secret
    created_at     BIGINT NOT NULL,                              -- time of creation
    expires_at     BIGINT NOT NULL,                              -- time of its end; 0: never
    hint           TEXT   NOT NULL,                              -- last four characters
    origin         TEXT   NOT NULL,                              -- local or config
    PRIMARY KEY (application_id, hash)
);

-- Secrets that must be read again, such as the credentials of a source.
CREATE TABLE secrets (
    owner  TEXT NOT NULL, -- what it belongs to, such as an application
    name   TEXT NOT NULL, -- which of the owner's secrets
    sealed TEXT NOT NULL, -- value sealed with the master key
    PRIMARY KEY (owner, name)
);

-- Settings documents.
CREATE TABLE settings (
    name     TEXT   NOT NULL PRIMARY KEY, -- which document
    document TEXT   NOT NULL,             -- JSON
    version  BIGINT NOT NULL              -- counts the changes from 1; guards updates
);

-- Counts the changes of applications, bindings, keys and settings, so that replicas see them.
CREATE TABLE revision (
    id     INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- one row
    number BIGINT  NOT NULL                             -- counts up
);
INSERT INTO revision (id, number) VALUES (1, 0);

-- Keys that sign tokens.
CREATE TABLE signing_keys (
    id         TEXT   NOT NULL PRIMARY KEY, -- kid in the key set and in every token
    alg        TEXT   NOT NULL,             -- RS256, ES256 or EdDSA
    sealed     TEXT   NOT NULL,             -- private key sealed with the master key
    public     TEXT   NOT NULL,             -- JSON Web Key without the private part
    created_at BIGINT NOT NULL,             -- time of creation
    use_at     BIGINT NOT NULL,             -- time from which it signs
    retire_at  BIGINT NOT NULL,             -- time from which it signs no more; 0: not planned
    remove_at  BIGINT NOT NULL              -- time when it leaves the key set; 0: not planned
);

-- Imports.
CREATE TABLE runs (
    id            TEXT    NOT NULL PRIMARY KEY, -- 26 random characters
    connection_id TEXT    NOT NULL,             -- application that imports
    preview       INTEGER NOT NULL,             -- 1: plan only
    state         TEXT    NOT NULL,             -- reading, previewed, held, applying, done, failed, interrupted, stale
    actor         TEXT    NOT NULL,             -- who started it
    started_at    BIGINT  NOT NULL,             -- time of the start
    finished_at   BIGINT  NOT NULL,             -- time of the end; 0: unfinished
    counts        TEXT    NOT NULL,             -- JSON: people created, updated, …
    stats         TEXT    NOT NULL,             -- JSON: what the feed looked like
    plan_hash     TEXT    NOT NULL,             -- hexadecimal SHA-256 of the plan
    held          TEXT    NOT NULL,             -- JSON array: the guard's reasons
    error_code    TEXT    NOT NULL,             -- such as source_unreachable; empty: none
    error         TEXT    NOT NULL,             -- sentence for the administrator; empty: none
    approved_by   TEXT    NOT NULL,             -- who approved; empty: nobody
    approved_at   BIGINT  NOT NULL              -- time of the approval
);
CREATE INDEX runs_connection ON runs (connection_id, started_at);

-- What a run does, or would do, to one person. No foreign keys, because this is written in bulk.
CREATE TABLE run_changes (
    run_id            TEXT    NOT NULL, -- runs.id
    seq               INTEGER NOT NULL, -- number in the plan from 1
    phase             INTEGER NOT NULL, -- rows are applied phase by phase
    source_id         TEXT    NOT NULL, -- the source's own id of the person
    user_id           TEXT    NOT NULL, -- users.id, perhaps yet to be created; empty: none
    before_version    BIGINT  NOT NULL, -- users.version that the plan saw; 0: none; -1: an earlier row's
    kind              TEXT    NOT NULL, -- create, update, link, suspend, reactivate, record, skip, quarantine
    reason            TEXT    NOT NULL, -- code
    detail            TEXT    NOT NULL, -- sentence for the administrator; may be empty
    name              TEXT    NOT NULL, -- display name
    email             TEXT    NOT NULL, -- address
    fields            TEXT    NOT NULL, -- JSON object: attribute to values before and after
    status            TEXT    NOT NULL, -- source status as read
    content_hash      TEXT    NOT NULL, -- of what was read
    manager_source_id TEXT    NOT NULL, -- source_id of the manager; empty: none
    initial_state     TEXT    NOT NULL, -- base state of a person to be created
    outcome           TEXT    NOT NULL, -- planned, applied or failed
    error             TEXT    NOT NULL, -- why it failed; empty: it did not
    PRIMARY KEY (run_id, seq)
);
CREATE INDEX run_changes_phase ON run_changes (run_id, phase, seq);

-- The append-only log. Each hash covers the one before it.
CREATE TABLE events (
    seq       BIGINT NOT NULL PRIMARY KEY, -- number from 1, without gaps, in the order of commits
    at        BIGINT NOT NULL,             -- time
    kind      TEXT   NOT NULL,             -- what happened, as subject.verb
    actor     TEXT   NOT NULL,             -- who did it
    subject   TEXT   NOT NULL,             -- id of what it is about
    data_hash BYTEA  NOT NULL,             -- SHA-256 of salt and payload
    hash      BYTEA  NOT NULL              -- SHA-256 over the previous hash and this row
);
CREATE INDEX events_subject ON events (subject, seq);

-- What events say about people, apart from events so that it can be erased.
CREATE TABLE event_data (
    seq     BIGINT NOT NULL PRIMARY KEY, -- events.seq
    salt    BYTEA  NOT NULL,             -- 16 random bytes, so that the hash tells nothing once this row is gone
    payload TEXT   NOT NULL              -- JSON, byte for byte as hashed
);

-- The end of the log. Its row lock puts commits in the order of their numbers.
CREATE TABLE event_head (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), -- one row
    seq  BIGINT  NOT NULL,                            -- number of the last event; 0: none
    hash BYTEA                                        -- hash of the last event; NULL: none
);
INSERT INTO event_head (id, seq, hash) VALUES (1, 0, NULL);
