-- Refresh tokens. A family is what an application holds while its person is away.

CREATE TABLE families (
    user_id   TEXT    NOT NULL,
    family    TEXT    NOT NULL,
    client_id TEXT    NOT NULL,        -- the only one that may use it
    current   TEXT    NOT NULL UNIQUE, -- handle of the live refresh token
    expires   INTEGER NOT NULL,        -- the earlier of idle end and ends
    ends      INTEGER NOT NULL,        -- however often it is used
    value     TEXT    NOT NULL,        -- record of the Grant
    PRIMARY KEY (user_id, family)
) STRICT, WITHOUT ROWID;
CREATE INDEX families_expires ON families (expires);

CREATE TABLE refresh_tokens (
    handle  TEXT    PRIMARY KEY,
    user_id TEXT    NOT NULL,
    family  TEXT    NOT NULL, -- is revoked when one comes that is not its current one
    expires INTEGER NOT NULL  -- end of the family, so that old ones are known as long
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_expires ON refresh_tokens (expires);
