INSERT INTO watches (application_id, holder, until)
VALUES ($1, $2, $3)
ON CONFLICT (application_id, holder) DO UPDATE SET until = excluded.until
