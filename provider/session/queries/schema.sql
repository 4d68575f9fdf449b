-- Short-lived state. Times are Unix milliseconds, UTC. A handle is
-- '<tag>.<SHA-256 of its secret in hex>'; a value is a JSON record that repeats its key.

CREATE TABLE sessions (
    user_id      TEXT    NOT NULL,        -- whose sign-in it is
    sid          TEXT    NOT NULL,        -- survives re-authentication
    handle       TEXT    NOT NULL UNIQUE, -- of the cookie; the one before it is dead
    seen         INTEGER NOT NULL,        -- last use
    expires      INTEGER NOT NULL,        -- the earlier of idle and absolute end
    applications TEXT    NOT NULL,        -- JSON array of the ids that got a code
    value        TEXT    NOT NULL,        -- record of the Session; the columns win
    PRIMARY KEY (user_id, sid)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE requests (
    id      TEXT    PRIMARY KEY, -- SHA-256 of the request's id in hex
    expires INTEGER NOT NULL,
    value   TEXT    NOT NULL     -- record of the AuthRequest
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_expires ON requests (expires);

CREATE TABLE codes (
    handle         TEXT    PRIMARY KEY,
    user_id        TEXT    NOT NULL,
    sid            TEXT    NOT NULL, -- the session it was issued in
    family         TEXT    NOT NULL,
    offline        INTEGER NOT NULL, -- 1: needs no live session
    client_id      TEXT    NOT NULL, -- this and the next two must agree at redemption
    redirect_uri   TEXT    NOT NULL,
    code_challenge TEXT    NOT NULL, -- S256; empty without PKCE
    expires        INTEGER NOT NULL,
    value          TEXT    NOT NULL  -- record of the Code
) STRICT, WITHOUT ROWID;
CREATE INDEX codes_expires ON codes (expires);

CREATE TABLE taken_codes (
    handle    TEXT    PRIMARY KEY,
    user_id   TEXT    NOT NULL,
    family    TEXT    NOT NULL, -- is revoked when the code comes again
    client_id TEXT    NOT NULL, -- only this client's replay counts
    expires   INTEGER NOT NULL  -- when nothing of the family can be valid any more
) STRICT, WITHOUT ROWID;
CREATE INDEX taken_codes_expires ON taken_codes (expires);

CREATE TABLE tokens (
    handle  TEXT    PRIMARY KEY,
    user_id TEXT    NOT NULL,
    sid     TEXT    NOT NULL, -- the session it belongs to
    family  TEXT    NOT NULL,
    offline INTEGER NOT NULL, -- 1: needs no live session
    expires INTEGER NOT NULL,
    value   TEXT    NOT NULL  -- record of the AccessToken
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_expires ON tokens (expires);

CREATE TABLE revoked (
    user_id TEXT    NOT NULL,
    family  TEXT    NOT NULL, -- revoked while the row exists
    expires INTEGER NOT NULL, -- when nothing of the family can be valid any more
    PRIMARY KEY (user_id, family)
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_expires ON revoked (expires);

CREATE TABLE throttles (
    id      TEXT    PRIMARY KEY, -- SHA-256 of the throttle's key in hex
    count   INTEGER NOT NULL,    -- tries in this window, reserved ones included
    expires INTEGER NOT NULL     -- end of the window
) STRICT, WITHOUT ROWID;
CREATE INDEX throttles_expires ON throttles (expires);

CREATE TABLE devices (
    handle  TEXT    PRIMARY KEY,
    expires INTEGER NOT NULL,
    value   TEXT    NOT NULL  -- record of the Device
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_expires ON devices (expires);
