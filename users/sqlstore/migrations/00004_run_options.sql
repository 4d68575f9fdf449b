-- By which options a run was made, how far it has come, and what its rows mean for people.

-- +goose Up

ALTER TABLE runs ADD COLUMN options TEXT NOT NULL DEFAULT '{}';  -- JSON: mode, filter and rules of the run
ALTER TABLE runs ADD COLUMN progress TEXT NOT NULL DEFAULT '{}'; -- JSON: phase, people done and in all, time of both
ALTER TABLE run_changes ADD COLUMN effect TEXT NOT NULL DEFAULT ''; -- what follows for the person, a sentence; empty: nothing does
