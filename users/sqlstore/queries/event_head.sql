SELECT seq, hash FROM event_head WHERE id = 1
