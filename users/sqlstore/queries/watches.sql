-- $1 now.
SELECT application_id, holder, until FROM watches WHERE until > $1 ORDER BY application_id, holder
