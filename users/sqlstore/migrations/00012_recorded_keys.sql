-- Which signing keys are named in the event log with their thumbprints: not those of earlier versions.

-- +goose Up

ALTER TABLE signing_keys ADD COLUMN recorded INTEGER NOT NULL DEFAULT 0; -- 1: its thumbprint is in the event log
