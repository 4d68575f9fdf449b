-- Reserves numbers and returns the last of them with the hash of the event before
-- them. From here to the end of the transaction nobody else appends. $1 how many.
UPDATE event_head SET seq = seq + $1 WHERE id = 1 RETURNING seq, hash
