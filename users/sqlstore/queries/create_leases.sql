-- The right to be the only one who does something. Not in a migration, because migrating needs a lease.
CREATE TABLE IF NOT EXISTS leases (
    name       TEXT   NOT NULL PRIMARY KEY, -- what the right is about
    holder     TEXT   NOT NULL,             -- process that holds it; empty: nobody
    token      BIGINT NOT NULL,             -- counts the holders from 1; guards what the holder does
    expires_at BIGINT NOT NULL              -- time from which others may take it
)
