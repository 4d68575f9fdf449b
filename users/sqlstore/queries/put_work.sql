INSERT INTO work (kind, connection_id, subject, due, noted, generation, attempts)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (kind, connection_id, subject) DO UPDATE
SET due = CASE WHEN excluded.due < work.due THEN excluded.due ELSE work.due END,
    noted = CASE WHEN excluded.noted < work.noted THEN excluded.noted ELSE work.noted END,
    generation = work.generation + 1
