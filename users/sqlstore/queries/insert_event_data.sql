INSERT INTO event_data (seq, salt, payload)
VALUES ($1, $2, $3)
