-- $1 hash of the last event.
UPDATE event_head SET hash = $1 WHERE id = 1
