-- Imports and their rows are shown page by page.

-- +goose Up

CREATE INDEX runs_started ON runs (started_at, id);

-- 1: an earlier row of the run changes the same person, and lists show both as one.
ALTER TABLE run_changes ADD COLUMN joins INTEGER NOT NULL DEFAULT 0;

-- Few rows are in these, so that many are written as fast as without.
CREATE INDEX run_changes_joining ON run_changes (run_id, source_id) WHERE joins = 1;
CREATE INDEX run_changes_failed ON run_changes (run_id, phase, seq) WHERE outcome = 'failed';
CREATE INDEX run_changes_rare ON run_changes (run_id, kind, phase, seq) WHERE kind IN ('suspend', 'reactivate', 'link', 'quarantine');
